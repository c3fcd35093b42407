import type { Readable } from 'node:stream';

/** Hands on whole lines; what the stream ends with counts as one. Resolves at the end of the stream. */
export async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return;
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  await new Promise<void>((resolve) => {
    stream.on('close', () => {
      if (rest !== '') onLine(rest);
      rest = '';
      resolve();
    });
  });
}
