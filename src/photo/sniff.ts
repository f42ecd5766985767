// Names for files that are not photos that can be decoded, so that the refusal says what was given.

/** Signatures as Latin-1 text, with where they stand. */
const SIGNATURES: readonly (readonly [at: number, signature: string, name: string])[] = [
  [0, '%PDF-', 'a PDF document'],
  [0, 'II*\0', 'a TIFF or raw camera file'],
  [0, 'MM\0*', 'a TIFF or raw camera file'],
  [4, 'ftypheic', 'a HEIC photo'],
  [4, 'ftypheix', 'a HEIC photo'],
  [4, 'ftypmif1', 'a HEIF photo that is not AVIF'],
  [4, 'ftyp', 'a film (MP4 or QuickTime)'],
  [0, '\xff\x0a', 'a JPEG XL photo'],
  [4, 'JXL \r\n\x87\n', 'a JPEG XL photo'],
  [4, 'jP  \r\n\x87\n', 'a JPEG 2000 photo'],
  [0, '8BPS', 'a Photoshop document'],
  [0, '\0\0\x01\0', 'a Windows icon'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '\x89PNG', 'a PNG whose signature was damaged, as by a transfer in text mode'],
];

const SCANNED_BYTES = 4096;

/** What `bytes` seem to be, as a noun with its article. */
export function nameForeign(bytes: Uint8Array): string {
  const head = bytes.subarray(0, SCANNED_BYTES);
  const latin = String.fromCharCode(...head);
  for (const [at, signature, name] of SIGNATURES) if (latin.startsWith(signature, at)) return name;
  const text = latin
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (text.startsWith('<')) {
    if (/<svg[\s>]/.test(text)) return 'a drawing (SVG), not a photo';
    if (/^<(!doctype html|html|head|body)|<html[\s>]/.test(text)) return 'a web page (HTML), not a photo';
    if (text.startsWith('<?xml')) return 'an XML file, not a photo';
  }
  return isText(head) ? 'text, not a photo' : 'not a photo of a kind that is known here';
}

/** No control characters but white space; the encoding (ASCII, UTF-8, Latin-1) does not matter. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
}
