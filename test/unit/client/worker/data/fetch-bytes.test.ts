import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBytes } from '../../../../../client/worker/data/fetch-bytes.ts';

let server: Server;
let base = '';
const { signal } = new AbortController();

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/busy') response.writeHead(503);
    else if (request.url === '/gone') response.writeHead(404);
    else if (request.url === '/endless') {
      response.write('12');
      return;
    } else response.write('12345678');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('fetchBytes', () => {
  it('returns the body when it has the expected length', async () => {
    expect(new TextDecoder().decode(await fetchBytes(`${base}/ok`, 8, signal))).toBe('12345678');
  });

  it('refuses a longer and a shorter body', async () => {
    await expect(fetchBytes(`${base}/ok`, 7, signal)).rejects.toMatchObject({ code: 'tooLarge' });
    await expect(fetchBytes(`${base}/ok`, 9, signal)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('tells what is gone from what may come back', async () => {
    await expect(fetchBytes(`${base}/gone`, 8, signal)).rejects.toMatchObject({ code: 'notFound' });
    await expect(fetchBytes(`${base}/busy`, 8, signal)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(fetchBytes('http://127.0.0.1:1/', 8, signal)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('ends by the signal', async () => {
    const stop = new AbortController();
    const pending = fetchBytes(`${base}/endless`, 8, stop.signal);
    stop.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
  });
});
