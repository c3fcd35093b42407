import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppDeps, buildApp } from '../../../../server/http/app.ts';
import { createMemoryBlobStore } from '../../../../server/storage/memory-blob-store.ts';
import { aloneInCluster, type ClusterView } from '../../../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { asBlobHash } from '../../../../shared/base/ids.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { dataset } from '../core/fixtures.ts';

const blobs = createMemoryBlobStore();
const shard = blobs.put(new Uint8Array([1, 2, 3]));
const secret = blobs.put(new Uint8Array([4, 5, 6]));
const registered = { ...dataset, train: { shards: [{ hash: shard, count: 1, bytes: 3 }], count: 1 } };

let cluster: ClusterView = aloneInCluster;
let folder: string;
let app: FastifyInstance;

async function build(overrides: Partial<AppDeps> = {}): Promise<void> {
  app = await buildApp({
    distFolder: join(folder, 'dist'),
    exportsFolder: join(folder, 'exports'),
    authenticate(token) {
      if (token === 'admin' || token === 'worker') return token;
      throw new GradswarmError('unauthenticated', 'the token is unknown');
    },
    jobs: () => [],
    cluster: () => cluster,
    allowsOrigin: (origin) => origin === 'https://b.example',
    isReady: () => true,
    datasets: () => [registered],
    blobs,
    fetchIfMissing: async () => {},
    ...overrides,
  });
}

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

beforeEach(async () => {
  cluster = aloneInCluster;
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-app-'));
  write('dist/browser/index.html', '<title>contributor</title>');
  write('dist/admin/index.html', '<title>admin</title>');
  write('dist/assets/main-abc.js', 'export {};');
  write('dist/assets/worker-entry-abc.js', 'export {};');
  write('dist/secret.txt', 'secret');
  write('exports/mnist/model.safetensors', 'weights');
  write('exports/mnist/model.json', '{}');
  await build();
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const errorOf = (response: { json: () => { error: { code: string } } }): string => response.json().error.code;

describe('pages', () => {
  test('are at / and /admin, fresh every time; their assets for ever', async () => {
    const contributor = await app.inject('/');
    expect(contributor.body).toContain('contributor');
    expect(contributor.headers['content-type']).toContain('text/html');
    expect(contributor.headers['cache-control']).toBe('no-cache');
    const admin = await app.inject('/admin');
    expect(admin.body).toContain('admin');
    expect(admin.headers['cache-control']).toBe('no-cache');
    const asset = await app.inject('/assets/main-abc.js');
    expect(asset.headers['content-type']).toContain('javascript');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await app.inject('/admin/')).headers.location).toBe('../admin');
  });

  test('do not open the rest of the folder, or the disk', async () => {
    for (const path of [
      '/secret.txt',
      '/assets/../secret.txt',
      '/assets/%2e%2e/secret.txt',
      '/assets/..%2fsecret.txt',
    ]) {
      expect((await app.inject(path)).body).not.toBe('secret');
    }
  });

  test('that are not built say how to build them', async () => {
    await app.close();
    await build({ distFolder: join(folder, 'missing') });
    const response = await app.inject('/');
    expect(response.statusCode).toBe(503);
    expect(response.body).toContain('npm run build');
  });

  test('come with headers that allow nothing from elsewhere', async () => {
    const { headers } = await app.inject({ url: '/', headers: { host: 'train.example:7077' } });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy).toContain("connect-src 'self' ws://train.example:7077 wss://train.example:7077");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-inline');
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
  });

  test('may ask every coordinator, as soon as it belongs to the cluster', async () => {
    const policyOf = async (url: string): Promise<string> =>
      String((await app.inject({ url, headers: { host: 'a.example' } })).headers['content-security-policy']);
    const own = "connect-src 'self' ws://a.example wss://a.example";
    expect(await policyOf('/')).toContain(`${own};`);
    const coordinatorUrls = [
      'https://a.example/',
      'http://b.example:7077/grid/',
      'javascript:x; script-src *',
    ];
    cluster = { isLeader: true, leaderUrl: undefined, coordinatorUrls };
    const expected = `${own} https://a.example wss://a.example http://b.example:7077 ws://b.example:7077;`;
    expect(await policyOf('/')).toContain(expected);
    expect(await policyOf('/assets/worker-entry-abc.js')).toContain(expected);
  });

  test('have a worker whose policy is never an old one', async () => {
    const url = '/assets/worker-entry-abc.js';
    const first = await app.inject(url);
    expect(first.headers['cache-control']).toBe('no-cache');
    cluster = { isLeader: true, leaderUrl: undefined, coordinatorUrls: ['https://b.example/'] };
    const again = await app.inject({ url, headers: { 'if-none-match': String(first.headers.etag) } });
    expect(again.statusCode).toBe(304);
    expect(again.headers['content-security-policy']).toContain('wss://b.example');
  });

  test('take no directive from the Host header', async () => {
    const { headers } = await app.inject({ url: '/', headers: { host: 'x; script-src *' } });
    expect(headers['content-security-policy']).not.toContain('script-src *');
  });
});

describe('shards', () => {
  test('are whole, for ever, and have their hash as tag', async () => {
    const response = await app.inject(`/shards/${shard}`);
    expect(createHash('sha256').update(response.rawPayload).digest('hex')).toBe(shard);
    expect(response.headers).toMatchObject({
      'content-length': '3',
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${shard}"`,
    });
    const again = await app.inject({ url: `/shards/${shard}`, headers: { 'if-none-match': `"${shard}"` } });
    expect(again.statusCode).toBe(304);
    expect(again.rawPayload.length).toBe(0);
  });

  test('may be read by the pages of every coordinator', async () => {
    for (const url of [`/shards/${shard}`, '/v1/jobs']) {
      expect((await app.inject(url)).headers).toMatchObject({
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
      });
    }
    expect((await app.inject('/')).headers['access-control-allow-origin']).toBeUndefined();
  });

  test('are held once for all who read one at a time', async () => {
    await app.close();
    let reads = 0;
    await build({
      blobs: {
        get(hash) {
          reads += 1;
          return blobs.get(hash);
        },
      },
    });
    const answers = await Promise.all([app.inject(`/shards/${shard}`), app.inject(`/shards/${shard}`)]);
    expect(answers.map(({ rawPayload }) => [...rawPayload])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(reads).toBe(1);
  });

  test('are all that can be read of the blob store', async () => {
    for (const hash of [secret, asBlobHash('0'.repeat(64)), 'short', '..%2f..%2fetc%2fpasswd']) {
      const response = await app.inject(`/shards/${hash}`);
      expect([response.statusCode, errorOf(response)]).toEqual([404, 'notFound']);
    }
  });
});

describe('exports', () => {
  const get = (path: string, token?: string) =>
    app.inject({ url: path, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

  test('are for admins', async () => {
    const path = '/v1/exports/mnist/model.safetensors';
    expect(errorOf(await get(path))).toBe('unauthenticated');
    expect(errorOf(await get(path, 'other'))).toBe('unauthenticated');
    expect(errorOf(await get(path, 'worker'))).toBe('forbidden');
    const response = await get(path, 'admin');
    expect(response.body).toBe('weights');
    expect(response.headers['content-disposition']).toBe('attachment; filename="model.safetensors"');
    expect((await get('/v1/exports/mnist/model.json', 'admin')).headers['content-type']).toBe(
      'application/json',
    );
  });

  test('may be read by the control page of another coordinator, and no other page', async () => {
    const url = '/v1/exports/mnist/model.json';
    const ask = (method: 'GET' | 'OPTIONS', origin: string) =>
      app.inject({ method, url, headers: { origin, authorization: 'Bearer admin' } });
    const preflight = await ask('OPTIONS', 'https://b.example');
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://b.example',
      'access-control-allow-headers': 'authorization',
      vary: 'origin',
    });
    const answer = await ask('GET', 'https://b.example');
    expect(answer.headers['access-control-allow-origin']).toBe('https://b.example');
    expect((await ask('OPTIONS', 'https://evil.example')).statusCode).toBe(403);
    const foreign = await ask('GET', 'https://evil.example');
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('do not lead out of their folder', async () => {
    for (const path of [
      'mnist/none',
      'none/model.json',
      'mnist/..%2f..%2fdist%2fsecret.txt',
      '..%2fdist/secret.txt',
      'mnist/.',
    ]) {
      const response = await get(`/v1/exports/${path}`, 'admin');
      expect(response.statusCode).toBe(404);
    }
  });
});

describe('everything else', () => {
  test('tells whether the coordinator lives and is ready', async () => {
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await app.inject('/readyz')).statusCode).toBe(200);
    await app.close();
    await build({ isReady: () => false });
    const response = await app.inject('/readyz');
    expect([response.statusCode, errorOf(response)]).toEqual([503, 'unavailable']);
  });

  test('lists jobs to anyone, without the figures that are not known', async () => {
    await app.close();
    const job = { jobId: 'mnist', title: 'Digits', trainingLoss: null, workers: 3 };
    await build({ jobs: () => [job] as unknown as ReturnType<AppDeps['jobs']> });
    const alone = { isLeader: true, leaderUrl: null, coordinatorUrls: [] };
    expect((await app.inject('/v1/jobs')).json()).toEqual({ jobs: [job], ...alone });
  });

  test('lists jobs on a follower, without what only the leader knows', async () => {
    await app.close();
    const job = { jobId: 'mnist', title: 'Digits', workers: 0, samplesPerSecond: 0, remainingMs: 9 };
    cluster = { isLeader: false, leaderUrl: 'https://b.example/', coordinatorUrls: ['https://b.example/'] };
    await build({ jobs: () => [job] as unknown as ReturnType<AppDeps['jobs']> });
    expect((await app.inject('/v1/jobs')).json()).toEqual({
      jobs: [{ jobId: 'mnist', title: 'Digits', workers: null, samplesPerSecond: null, remainingMs: null }],
      isLeader: false,
      leaderUrl: 'https://b.example/',
      coordinatorUrls: ['https://b.example/'],
    });
  });

  test('answers what does not exist, and defects, in one shape', async () => {
    const missing = await app.inject({ method: 'POST', url: '/v1/none', payload: {} });
    expect([missing.statusCode, errorOf(missing)]).toEqual([404, 'notFound']);
    await app.close();
    await build({
      jobs() {
        throw new TypeError('secret detail');
      },
    });
    const defect = await app.inject('/v1/jobs');
    expect([defect.statusCode, errorOf(defect)]).toEqual([500, 'internal']);
    expect(defect.body).not.toContain('secret detail');
  });

  test('slows down an address that asks without end', async () => {
    let response = await app.inject('/healthz');
    for (let count = 1; count < limits.httpRequestsPerAddressPerMinuteMax; count++)
      response = await app.inject('/healthz');
    expect(response.statusCode).toBe(200);
    response = await app.inject('/healthz');
    expect([response.statusCode, errorOf(response)]).toEqual([429, 'rateLimited']);
  });

  test('believes the last address of X-Forwarded-For alone, and only behind a proxy', async () => {
    await app.close();
    await build({ trustProxy: true });
    const left = async (forwarded: string): Promise<unknown> => {
      const response = await app.inject({ url: '/healthz', headers: { 'x-forwarded-for': forwarded } });
      return response.headers['x-ratelimit-remaining'];
    };
    const remaining = await left('203.0.113.7');
    expect(Number(await left('198.51.100.1, 203.0.113.7'))).toBe(Number(remaining) - 1);
    expect(await left('203.0.113.7, 198.51.100.1')).toBe(remaining);
  });

  test('counts the addresses of one IPv6 subscriber as one', async () => {
    const first = await app.inject({ url: '/healthz', remoteAddress: '2001:db8::1' });
    const second = await app.inject({ url: '/healthz', remoteAddress: '2001:db8::2' });
    const remaining = [first, second].map(({ headers }) => Number(headers['x-ratelimit-remaining']));
    expect(remaining[1]).toBe((remaining[0] ?? 0) - 1);
  });

  test('bounds what a slow client may take', () => {
    expect(app.server).toMatchObject({
      headersTimeout: limits.httpHeadersTimeoutMs,
      requestTimeout: limits.httpRequestTimeoutMs,
      keepAliveTimeout: limits.httpKeepAliveTimeoutMs,
      maxConnections: limits.connectionsMax,
      timeout: limits.slowReaderMs,
    });
  });
});
