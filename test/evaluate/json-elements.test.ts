// The streaming reader gives what JSON.parse gives, wherever the stream is cut, and refuses what JSON.parse refuses.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readElements } from '../../src/evaluate/json-elements.ts';
import { pieces } from './scenes.ts';

/** The document put together from its elements. */
async function read(chunks: readonly Uint8Array[], want?: (member: string) => boolean): Promise<unknown> {
  const members = new Map<string, unknown>();
  const lists = new Map<string, unknown[]>();
  await readElements(chunks, {
    where: 'file',
    ...(want ? { want } : {}),
    onElement: (member, value, index) => {
      if (index < 0) members.set(member, value);
      else {
        const list = lists.get(member) ?? [];
        lists.set(member, list);
        expect(index).toBe(list.length);
        list.push(value);
      }
    },
  });
  return Object.fromEntries([...members, ...lists]);
}

describe('the streaming reader', () => {
  it('gives what JSON.parse gives, cut anywhere', async () => {
    const anyMember = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1 }),
    );
    const anyDocument = fc.dictionary(fc.string(), anyMember, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(anyDocument, fc.nat(), fc.boolean(), async (document, seed, spaced) => {
        const text = JSON.stringify(document, undefined, spaced ? 2 : undefined);
        // An empty list has no element, so it leaves no trace.
        const full = Object.entries(JSON.parse(text) as object).filter(([, v]) => !Array.isArray(v) || v.length > 0);
        expect(await read(pieces(text, seed, 9))).toEqual(Object.fromEntries(full));
      }),
    );
  });

  it('takes a list at the top', async () => {
    expect(await read(pieces('\uFEFF [1, "a,]", {"b": [2]}] \n', 1, 3))).toEqual({ '': [1, 'a,]', { b: [2] }] });
    expect(await read(pieces('[]', 1))).toEqual({});
  });

  it('steps over what is not wanted', async () => {
    const text = '{"images": [{"id": 1}], "annotations": [{"x": "]}\\""}, [[]]], "info": {"y": 2}}';
    expect(await read(pieces(text, 4, 5), (member) => member !== 'annotations')).toEqual({
      images: [{ id: 1 }],
      info: { y: 2 },
    });
  });

  it.each([
    ['nothing', ''],
    ['no document', 'hello'],
    ['a file that is cut', '{"images": [{"id": 1}, {"id"'],
    ['a list without end', '{"images": [1, 2'],
    ['a comma too many', '{"images": [1, 2,]}'],
    ['a comma too many in the object', '{"images": [1],}'],
    ['a missing comma', '{"images": [1] "b": 2}'],
    ['a missing colon', '{"images" [1]}'],
    ['a bare key', '{images: [1]}'],
    ['brackets that do not match', '{"images": [{"a": [1}]}]}'],
    ['an empty element', '{"images": [, 1]}'],
    ['single quotes', "{'images': [1]}"],
    ['NaN', '{"images": [NaN]}'],
    ['more after the end', '{"images": [1]} {}'],
    ['a key that occurs twice', '{"images": [1], "images": [2]}'],
  ])('refuses %s', async (_, text) => {
    const error = await read(pieces(text, 7, 4)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'SegEveryError',
      code: 'usage',
      message: expect.stringContaining('file is no JSON'),
    });
  });

  it('refuses text that is not UTF-8, and says where', async () => {
    const bytes = [
      new TextEncoder().encode('{"images": [1, "'),
      Uint8Array.of(0xff, 0xfe),
      new TextEncoder().encode('"]}'),
    ];
    await expect(read(bytes)).rejects.toMatchObject({ message: expect.stringMatching(/byte 1[6-9], images\[1\]/) });
  });

  it('stops when it is told', async () => {
    const signal = AbortSignal.abort();
    const reading = readElements(pieces('[1]', 1), { where: 'file', onElement: () => undefined, signal });
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
