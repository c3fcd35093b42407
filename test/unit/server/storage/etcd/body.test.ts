import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines, readText } from '../../../../../server/storage/etcd/body.ts';

function responseOf(chunks: readonly Uint8Array[]): Response {
  return new Response(
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    }),
  );
}

/** A text, and the same text cut anywhere, within letters too. */
const cutTexts = fc
  .tuple(fc.array(fc.constantFrom('a', 'ü', '日', '\n'), { maxLength: 60 }), fc.array(fc.nat({ max: 200 })))
  .map(([letters, cuts]) => {
    const text = letters.join('');
    const bytes = Buffer.from(text);
    const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
      (one, two) => one - two,
    );
    return { text, chunks: bounds.slice(1).map((end, position) => bytes.subarray(bounds[position], end)) };
  });

const never = new AbortController().signal;

describe('the body of an answer', () => {
  it('is read whole, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(cutTexts, async ({ text, chunks }) => {
        expect(await readText(responseOf(chunks), 1_000, never)).toBe(text);
      }),
    );
  });

  it('is read by lines, however it is cut, without an unfinished one', async () => {
    await fc.assert(
      fc.asyncProperty(cutTexts, async ({ text, chunks }) => {
        const lines: string[] = [];
        for await (const line of readLines(responseOf(chunks), 1_000, never)) lines.push(line);
        expect(lines).toEqual(text.split('\n').slice(0, -1));
      }),
    );
  });

  it('is refused beyond its bound', async () => {
    const chunks = [Buffer.from('abc'), Buffer.from('def')];
    await expect(readText(responseOf(chunks), 5, never)).rejects.toThrow(/more than 5 bytes/);
    await expect(readLines(responseOf(chunks), 5, never).next()).rejects.toThrow(/more than 5 bytes/);
    expect(await readText(responseOf(chunks), 6, never)).toBe('abcdef');
  });

  it('ends with an error when it is aborted, before and while it is read', async () => {
    const closing = new AbortController();
    const open = new Response(new ReadableStream({}));
    const reading = readText(open, 10, closing.signal);
    closing.abort();
    await expect(reading).rejects.toThrow(/abort/i);
    await expect(readText(new Response(new ReadableStream({})), 10, closing.signal)).rejects.toThrow(
      /abort/i,
    );
  });
});
