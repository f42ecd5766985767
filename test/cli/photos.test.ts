// Which files of the command line are photos, and where the results of each go.
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outputStems } from '../../cli/names.ts';
import { findPhotos } from '../../cli/photos.ts';

const PHOTO = join(import.meta.dirname, '../../examples/photos/cat.jpg');

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'segevery-photos-')));
  await mkdir(join(folder, 'in', 'sub'), { recursive: true });
  for (const name of ['b.jpg', 'a.jpeg', 'sub/c.bin']) await copyFile(PHOTO, join(folder, 'in', name));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (...names: string[]) => join(folder, ...names);
const names = async (args: string[], out?: string) => (await findPhotos(args, out)).photos.map(({ name }) => name);

describe('photos of the command line', () => {
  test('a folder is read to the bottom, sorted, and the content counts, not the name', async () => {
    expect(await names([at('in')])).toEqual(['a.jpeg', 'b.jpg', 'sub/c.bin']);
  });

  test('what is no photo is reported: left out where it just lies there, failed where it was meant', async () => {
    await writeFile(at('in', 'notes.txt'), 'some words');
    await writeFile(at('in', 'empty'), '');
    await writeFile(at('in', 'words.PNG'), 'some words');
    await writeFile(at('in', '.hidden.jpg'), 'some words');
    await symlink('b.jpg', at('in', 'link.jpg'));
    await symlink('nowhere', at('in', 'dead.jpg'));
    await symlink('..', at('in', 'sub', 'up'));
    const { photos, others } = await findPhotos([at('in')]);
    // The decoder says what is wrong with a file that is called a photo.
    expect(photos.map(({ name }) => name)).toEqual(['a.jpeg', 'b.jpg', 'sub/c.bin', 'words.PNG']);
    const told = Object.fromEntries(others.map(({ shown, verdict, reason }) => [shown, `${verdict}: ${reason}`]));
    expect(Object.keys(told)).toEqual(['dead.jpg', 'empty', 'link.jpg', 'notes.txt', 'sub/up'].map((n) => at('in', n)));
    expect(told[at('in', 'notes.txt')]).toBe('left out: it is text, not a photo');
    expect(told[at('in', 'empty')]).toBe('left out: it is empty');
    for (const link of ['dead.jpg', 'link.jpg', 'sub/up']) expect(told[at('in', link)]).toMatch(/^left out: .*link/);
  });

  test.skipIf(process.platform === 'win32')('a pipe in a folder is not waited for', async () => {
    execFileSync('mkfifo', [at('in', 'pipe.jpg')]);
    const { others } = await findPhotos([at('in'), at('in', 'pipe.jpg')]);
    expect(others.map(({ verdict }) => verdict)).toEqual(['left out', 'failed']);
  });

  test('patterns match files, and one that matches nothing has failed', async () => {
    expect(await names([at('in', '*.jp*g')])).toEqual(['a.jpeg', 'b.jpg']);
    expect(await names([at('in', '**', '*')])).toEqual(['a.jpeg', 'b.jpg', 'sub/c.bin']);
    expect(await names([at('in', '{b,x}.jpg')])).toEqual(['b.jpg']);
    const { photos, others } = await findPhotos([at('in', '*.webp')]);
    expect(photos).toEqual([]);
    expect(others).toMatchObject([{ verdict: 'failed', code: 'io', reason: expect.stringContaining('no file') }]);
  });

  test('a file is taken once, however often it is named; links that are named are followed', async () => {
    await symlink('b.jpg', at('in', 'link.jpg'));
    expect(await names([at('in', 'b.jpg'), at('in'), at('in', '*.jpg')])).toEqual(['b.jpg', 'a.jpeg', 'sub/c.bin']);
    expect(await names([at('in', 'link.jpg')])).toEqual(['link.jpg']);
  });

  test('a name with the signs of a pattern is a file first', async () => {
    await copyFile(PHOTO, at('in', 'a[1].jpg'));
    expect(await names([at('in', 'a[1].jpg')])).toEqual(['a[1].jpg']);
  });

  test('what is not there, and what is too large to be read, is said', async () => {
    await symlink('nowhere', at('dead.jpg'));
    await truncate(at('in', 'b.jpg'), 2 ** 30 + 1);
    const { photos, others } = await findPhotos([at('none.jpg'), at('dead.jpg'), at('in', 'b.jpg')]);
    expect(photos).toEqual([]);
    expect(others.map(({ code }) => code)).toEqual(['io', 'io', 'image-limit']);
    expect(others[1]?.reason).toBe('it is a link to nothing');
  });

  test('results of an earlier run in the same folder are no photos', async () => {
    await mkdir(at('in', 'out'));
    await copyFile(PHOTO, at('in', 'out', 'b.png'));
    expect(await names([at('in')], at('in', 'out'))).toEqual(['a.jpeg', 'b.jpg', 'sub/c.bin']);
    expect(await names([at('in', '**', '*.png')], at('in', 'out'))).toEqual([]);
  });

  test('standard input goes alone', async () => {
    expect(await findPhotos(['-'])).toEqual({ photos: [{ path: 'stdin', name: 'stdin', shown: '-' }], others: [] });
    await expect(findPhotos(['-', PHOTO])).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('names of outputs', () => {
  const photo = (path: string, name = path.split('/').at(-1) ?? '') => ({ path, name, shown: path });
  const stems = (photos: ReturnType<typeof photo>[], suffixes = ['.json', '.png']) =>
    outputStems(photos, 'out', suffixes).map((stem) => stem.replaceAll('\\', '/'));

  test('are the photo’s without its extension, in its folder', () => {
    expect(stems([photo('/p/a.jpg'), photo('/p/q/b.c.webp', 'q/b.c.webp')])).toEqual(['out/a', 'out/q/b.c']);
  });

  test('keep the extension, then the folders, where outputs would meet', () => {
    expect(stems([photo('/p/a.jpg'), photo('/p/A.png'), photo('/p/b.png')])).toEqual([
      'out/a.jpg',
      'out/A.png',
      'out/b',
    ]);
    expect(stems([photo('/p/x/a.jpg'), photo('/p/y/a.jpg')])).toEqual(['out/x/a.jpg', 'out/y/a.jpg']);
    // The overlay of one would be the label map of the other.
    expect(stems([photo('/p/a.jpg'), photo('/p/a.labels.jpg')], ['.png', '.labels.png'])).toEqual([
      'out/a.jpg',
      'out/a.labels.jpg',
    ]);
  });

  test('leave names alone that the run itself needs', () => {
    const photos = [photo('/p/_annotations.jpg')];
    expect(outputStems(photos, 'out', ['.coco.json'], ['_annotations.coco.json'])).toEqual([
      join('out', '_annotations.jpg'),
    ]);
  });

  test('never replace a photo', () => {
    const photos = [photo(join(folder, 'a.jpg')), photo(join(folder, 'b.png'))];
    expect(() => outputStems(photos, folder, ['.json', '.png'])).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('b.png') }),
    );
    expect(() => outputStems(photos, folder, ['.json'])).not.toThrow();
  });

  test('are one photo’s alone, whatever photos are called', () => {
    const part = fc.constantFrom('a', 'b', 'A', 'a.labels', 'a.jpg');
    const path = fc.tuple(fc.array(part, { maxLength: 2 }), part, fc.constantFrom('.jpg', '.png', ''));
    const suffixes = ['.json', '.png', '.labels.png', '.coco.json'];
    fc.assert(
      fc.property(fc.uniqueArray(path, { selector: (value) => JSON.stringify(value).toLowerCase() }), (paths) => {
        const files = paths.map(([folders, name, end]) => `/in/${[...folders, name + end].join('/')}`);
        // Two tuples may still spell one path.
        const unique = [...new Map(files.map((file) => [file.toLowerCase(), file])).values()];
        const outputs = stems(
          unique.map((file) => photo(file)),
          suffixes,
        ).flatMap((stem) => suffixes.map((suffix) => (stem + suffix).toLowerCase()));
        expect(new Set(outputs).size).toBe(outputs.length);
      }),
    );
  });
});
