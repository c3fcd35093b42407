import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { readLines } from '../../../../client/cli/line-reader.ts';

it('joins what comes in pieces, also inside of a character, and loses no last line', async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const ended = readLines(stream, (line) => lines.push(line));
  const bytes = Buffer.from('first\n\nzwölf\nlast');
  for (const byte of bytes) stream.write(Uint8Array.of(byte));
  stream.end();
  await ended;
  expect(lines).toEqual(['first', '', 'zwölf', 'last']);
  await readLines(null, () => lines.push('never'));
  expect(lines).toHaveLength(4);
});
