// The browser comes from the machine or from npm (cli/host/browser.ts); puppeteer downloads none.
module.exports = { skipDownload: true };
