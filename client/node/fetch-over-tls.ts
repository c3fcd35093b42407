import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { Readable } from 'node:stream';
import type { HttpGet } from '../worker/data/fetch-bytes.ts';
import type { TlsTrust } from './tls-trust.ts';

/** GET with certificates that the `fetch` of Node 20 cannot be told of; plain HTTP goes its way. */
export function createHttpGet(trust: TlsTrust): HttpGet {
  return async (url, signal) => {
    if (!url.startsWith('https:')) return fetch(url, { signal });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { ...trust, signal }, resolve).on('error', reject);
    });
    const body = Readable.toWeb(response) as ReadableStream<Uint8Array>;
    return new Response(body, { status: response.statusCode ?? 500 });
  };
}
