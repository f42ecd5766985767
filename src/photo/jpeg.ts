// JPEG container (ITU-T T.81, JFIF, Exif): the markers from SOI to EOI.

import type { ByteReader } from './bytes.ts';
import { type ExifOrientation, readOrientation } from './exif.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DNL = 0xdc;
const APP1 = 0xe1;
const TEM = 0x01;
const EXIF_HEADER = 'Exif\0\0';

/** A JPEG file that passed every check of its container. */
export interface JpegFile {
  readonly format: 'jpeg';
  readonly width: number;
  readonly height: number;
  readonly exif: ExifOrientation;
  readonly bitDepth: number;
  readonly hasAlpha: false;
  readonly animated: false;
  /** 1 grey, 3 YCbCr or RGB, 4 CMYK or YCCK. */
  readonly components: number;
}

/** Checks the container of a JPEG up to its end marker. Throws code `image` with what is wrong and where. */
export function readJpeg(reader: ByteReader): JpegFile {
  let frame: { width: number; height: number; components: number } | undefined;
  let exif: ExifOrientation | undefined;
  let scans = 0;
  for (let at = 2; ; ) {
    reader.check(reader.u8(at) === 0xff, `byte ${at} should begin a marker; the file is damaged`);
    while (reader.u8(at) === 0xff) at++; // any number of fill bytes
    const marker = reader.u8(at++);
    if (marker === EOI) break;
    if (isRestart(marker) || marker === TEM || marker === SOI) continue;
    const length = reader.u16(at);
    reader.check(length >= 2, `the segment at byte ${at} has an impossible length`);
    reader.need(at, length);
    const end = at + length;
    if (isFrame(marker)) {
      reader.check(frame === undefined, 'it has more than one frame (hierarchical JPEG), which is not supported');
      frame = readFrame(reader, marker, at + 2);
    } else if (marker === APP1 && exif === undefined && length >= 8 && reader.text(at + 2, 6) === EXIF_HEADER) {
      exif = readOrientation(reader.bytes, at + 8, end);
    } else if (marker === SOS) {
      reader.check(frame !== undefined, 'image data come before the frame header');
      scans++;
    }
    at = marker === SOS ? skipScan(reader, end) : end;
  }
  if (frame === undefined || scans === 0) throw reader.broken('it has no image data');
  return {
    format: 'jpeg',
    ...frame,
    exif: exif ?? { orientation: 1 },
    bitDepth: 8,
    hasAlpha: false,
    animated: false,
  };
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(
  reader: ByteReader,
  marker: number,
  at: number,
): { width: number; height: number; components: number } {
  // Neither browsers nor libjpeg-turbo as libraries ship it decode the other processes.
  reader.check(marker <= 0xc2, `its coding process SOF${marker - 0xc0} (lossless or arithmetic) is not supported`);
  const precision = reader.u8(at);
  reader.check(precision === 8, `it has ${precision} bits a sample; only 8 are supported`);
  const height = reader.u16(at + 1);
  const width = reader.u16(at + 3);
  reader.check(width > 0 && height > 0, `it has no pixel: ${width} x ${height}`);
  const components = reader.u8(at + 5);
  reader.check(components === 1 || components === 3 || components === 4, `it has ${components} colour components`);
  return { width, height, components };
}

/** The offset of the first marker after entropy-coded data, in which 0xFF is followed by 0 (stuffing) or is a restart marker. */
function skipScan(reader: ByteReader, start: number): number {
  for (let at = start; ; at += 2) {
    at = reader.bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= reader.end) {
      throw reader.broken(`it ends at byte ${reader.end} within the image data; the file is truncated`);
    }
    const next = reader.u8(at + 1);
    if (next === 0xff) at--;
    else if (next !== 0 && !isRestart(next)) {
      reader.check(next !== DNL, 'its height follows the image data (DNL), which is not supported');
      return at;
    }
  }
}
