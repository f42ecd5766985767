// A page of the demo in the tests' browser: opens it, drops photos on it, and hands over what it saves.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { inject } from 'vitest';
import { serve, type Tamper } from '../../examples/serve.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const PATIENCE = 240_000;

/** What users run: the built library and the built demo. */
export function buildAll(): void {
  const script = "import('./build/lib.mjs').then((lib) => { lib.build(); lib.buildDemo(); })";
  execFileSync(process.execPath, ['-e', script], { cwd: ROOT });
}

export class DemoPage {
  private constructor(
    readonly page: Page,
    readonly url: string,
    /** Every address that the page, its worker included, has asked for. */
    readonly requests: readonly string[],
    readonly saved: string,
    readonly close: () => Promise<void>,
  ) {}

  /** @param path what to open @param tamper see serve() */
  static async open(path = '', tamper?: Tamper): Promise<DemoPage> {
    const server = await serve(0, tamper);
    const saved = await mkdtemp(join(tmpdir(), 'segevery-demo-'));
    const browser: Browser = await puppeteer.connect({
      browserWSEndpoint: inject('browser').endpoint,
      protocolTimeout: 0,
    });
    const context = await browser.createBrowserContext({
      downloadBehavior: { policy: 'allow', downloadPath: saved },
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.setViewport({ width: 1280, height: 900 });
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(server.url + path);
    return new DemoPage(page, server.url, requests, saved, async () => {
      await context.close();
      await browser.disconnect();
      await server.close();
      await rm(saved, { recursive: true, force: true });
    });
  }

  /** Drops a file, as a hand does. */
  async drop(bytes: Uint8Array, name: string, type: string): Promise<void> {
    await this.page.evaluate(
      async (base64, name, type) => {
        const data = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([data], name, { type }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      },
      Buffer.from(bytes).toString('base64'),
      name,
      type,
    );
  }

  /** Waits until the photo is encoded. */
  async encoded(): Promise<void> {
    await this.page.waitForSelector('[data-view="work"] #everything:not(:disabled)');
    await this.page.waitForSelector('#progress[hidden]');
  }

  /** Clicks at a share of the photo's width and height. */
  async click(x: number, y: number, options: { button?: 'left' | 'right' } = {}): Promise<void> {
    const at = await this.place(x, y);
    await this.page.mouse.click(at.x, at.y, options);
  }

  /** A place of the photo on the page. */
  async place(x: number, y: number): Promise<{ x: number; y: number }> {
    const box = await (await this.page.waitForSelector('#top'))?.boundingBox();
    if (!box) throw new Error('the photo is not shown');
    return { x: box.x + x * box.width, y: box.y + y * box.height };
  }

  async text(selector: string): Promise<string> {
    return this.page.$eval(selector, (element) => element.textContent ?? '');
  }

  /** Waits for so many masks in the list, or for any. */
  async masks(count?: number): Promise<number> {
    const wait = (n: number): boolean => {
      const found = document.querySelectorAll('.option').length;
      return n < 0 ? found > 0 : found === n;
    };
    await this.page.waitForFunction(wait, {}, count ?? -1);
    return (await this.page.$$('.option')).length;
  }

  /** Waits for a notice and gives its title and the library's own message. */
  async notice(): Promise<{ title: string; detail: string }> {
    await this.page.waitForSelector('#notice:not([hidden])');
    return { title: await this.text('#notice-title'), detail: await this.text('#notice-detail') };
  }

  /** Presses a button that saves, and reads the file. */
  async save(button: string, name: string): Promise<Buffer<ArrayBuffer>> {
    await rm(join(this.saved, name), { force: true });
    await this.page.click(button);
    for (const begun = Date.now(); Date.now() - begun < PATIENCE; ) {
      if ((await readdir(this.saved)).includes(name)) return readFile(join(this.saved, name));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${name} was not saved; there is ${(await readdir(this.saved)).join(', ')}`);
  }
}
