import { EtcdError } from './etcd-error.ts';

/**
 * A body's chunks; ends with an error when `signal` is aborted. The reader is cancelled here, because the `fetch` of
 * Node 20 may forget the signal that it was given once the garbage collector has run.
 */
async function* readChunks(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const cancel = (): void => {
    reader.cancel().catch(() => {});
  };
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

function tooLong(bytesMax: number): EtcdError {
  return new EtcdError('unexpected', `etcd answered with more than ${bytesMax} bytes.`);
}

/** @throws EtcdError when the answer is longer than `bytesMax`. */
export async function readText(response: Response, bytesMax: number, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readChunks(response, signal)) {
    length += chunk.length;
    if (length > bytesMax) throw tooLong(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString();
}

/** Lines without their ends; an unfinished last one is dropped. @throws EtcdError for a line over `bytesMax`. */
export async function* readLines(
  response: Response,
  bytesMax: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readChunks(response, signal)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      yield Buffer.concat(pieces).toString();
      pieces = [];
      length = 0;
      start = end + 1;
    }
    length += chunk.length - start;
    if (length > bytesMax) throw tooLong(bytesMax);
    pieces.push(chunk.subarray(start));
  }
}
