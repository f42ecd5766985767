// Words that come out of files, made safe to show: on a terminal, in Markdown and in HTML.

/** Characters that steer a terminal or turn the direction of text: names of files and of configurations may hold any. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** One line without characters that steer what shows it; line ends become spaces. */
export function plainLine(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(STEERING, '\ufffd');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML and SVG, in attributes too. */
export function escaped(text: string): string {
  return plainLine(text).replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}

/** Text within a line of Markdown, in cells too: no HTML, no links, no cell of its own. */
export function markdownText(text: string): string {
  return plainLine(text)
    .replace(/[\\|`*[\]]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;');
}
