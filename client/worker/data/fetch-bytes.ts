import { GradswarmError } from '../../../shared/base/errors.ts';

/**
 * Fetches exactly `length` bytes by HTTP GET.
 * @throws GradswarmError `notFound`, `unavailable` (worth another try), `tooLarge` or `cancelled`.
 */
export type FetchBytes = (url: string, length: number, signal: AbortSignal) => Promise<Uint8Array>;

export type HttpGet = (url: string, signal: AbortSignal) => Promise<Response>;

/** The body is written into one buffer of the expected length. */
export function createFetchBytes(get: HttpGet): FetchBytes {
  return async (url, length, signal) => {
    try {
      const response = await get(url, signal);
      if (response.status === 404) throw new GradswarmError('notFound', `${url} does not exist.`);
      if (!response.ok) throw new GradswarmError('unavailable', `${url} answered ${response.status}.`);
      return await readBody(url, response, length);
    } catch (error) {
      if (error instanceof GradswarmError) throw error;
      if (signal.aborted) throw new GradswarmError('cancelled', `The download of ${url} was given up.`);
      throw new GradswarmError('unavailable', `${url} cannot be reached: ${String(error)}`);
    }
  };
}

/** Over the `fetch` that browsers and Node share. */
export const fetchBytes: FetchBytes = createFetchBytes((url, signal) => fetch(url, { signal }));

async function readBody(url: string, response: Response, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let received = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    if (received + part.value.length > length) {
      await reader?.cancel();
      throw new GradswarmError('tooLarge', `${url} is longer than the ${length} bytes of its manifest.`);
    }
    bytes.set(part.value, received);
    received += part.value.length;
  }
  if (received < length) {
    throw new GradswarmError('unavailable', `${url} ended after ${received} of ${length} bytes.`);
  }
  return bytes;
}
