import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parametersHashOf } from '../../../../server/runtime/trainer/parameters-hash.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { createFlatCodec } from '../../../../shared/codec/codecs.ts';
import { applyUpdate } from '../../../../shared/codec/published-update.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import type { RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { adminService, type Lease, unitKinds, workerService } from '../../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../../shared/protocol/version.ts';
import { floatsOf } from '../../../../shared/tensor/bytes.ts';
import { codeOfRejection } from '../../shared/protocol/rpc-fixture.ts';
import {
  initialParameters,
  manifestHash,
  type RunningCoordinator,
  startCoordinator,
  tensors,
} from './running-coordinator.ts';

const worker = workerService.method;
const admin = adminService.method;
const jobId = 'digits';

let coordinator: RunningCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(async () => {
  await coordinator.stop();
  expect(coordinator.defects).toEqual([]);
});

const registration = { protocolVersion, name: 'ada', home: 'node', device: 'test' } as const;

async function join(token = ''): Promise<{ readonly client: RpcClient; readonly workerId: string }> {
  const client = await coordinator.open('worker-socket');
  const { message } = await client.unary(worker.register, { ...registration, token });
  return { client, workerId: message.workerId };
}

async function leaseUnit(client: RpcClient): Promise<Lease> {
  const { message } = await client.unary(worker.lease, { jobId, pollMs: 5_000 });
  if (!message.lease) throw new Error(`no lease: ${message.reason}`);
  return message.lease;
}

function contributionTo(lease: Lease) {
  const { leaseId, round, unit, version, epoch, sampleCount } = lease;
  const result = { samples: sampleCount, loss: 0.5, computeMs: 1, codec: 'float32', length: 3, manifestHash };
  return { leaseId, jobId, round, unit, version, epoch, ...result };
}

async function work(client: RpcClient, lease: Lease): Promise<void> {
  if (lease.kind === unitKinds.evaluate) {
    const { leaseId, version, unit, epoch, sampleCount } = lease;
    const result = { samples: sampleCount, lossSum: sampleCount, correct: 1 };
    await client.unary(worker.reportEvaluation, { leaseId, jobId, version, unit, epoch, ...result });
    return;
  }
  const payload = createFlatCodec({ kind: 'float32' }, 3).encode(Float32Array.of(1, 0, -1), 0);
  await client.unary(worker.contribute, contributionTo(lease), { payload });
}

describe('a worker', () => {
  test('trains a job to its end, and holds the coordinator’s parameters all the way', async () => {
    await coordinator.submit({
      codec: { up: [{ kind: 'float32' }], down: { kind: 'int8' } },
      stop: { rounds: 3 },
    });
    const { token } = await coordinator.createToken('worker');
    const { client } = await join(token);
    const { message: job } = await client.unary(worker.getJob, { jobId });
    expect(JSON.parse(job.documentJson)).toMatchObject({ name: jobId });
    expect(job.manifest?.tensors.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: tensors[0].name, shape: tensors[0].shape },
    ]);
    expect(job.manifestHash).toBe(manifestHash);

    const updates = client.stream(worker.watchParameters, { jobId })[Symbol.asyncIterator]();
    const nextUpdate = updates.next();
    const start = await client.unary(worker.getParameters, { jobId });
    expect(start.message.version).toBe(0);
    const parameters = floatsOf(start.payload).slice();
    expect([...parameters]).toEqual([...initialParameters]);

    const training = (async () => {
      for (;;) {
        const { message } = await client.unary(worker.lease, { jobId, pollMs: 5_000 });
        if (!message.lease) return;
        await work(client, message.lease);
      }
    })();
    const versions: number[] = [];
    for (let item = await nextUpdate; !item.done; item = await updates.next()) {
      const { message, payload } = item.value;
      expect(message.baseVersion).toBe(versions.length);
      applyUpdate(createFlatCodec({ kind: 'int8' }, 3), parameters, payload);
      expect(parametersHashOf(parameters)).toBe(message.parametersHash);
      versions.push(message.version);
    }
    expect(versions).toEqual([1, 2, 3]);
    expect(await codeOfRejection(training)).toMatch(/resolved|jobNotRunning/);
    expect(parameters[0]).toBeCloseTo(0.7);
    const late = client.stream(worker.watchParameters, { jobId })[Symbol.asyncIterator]();
    expect((await late.next()).done).toBe(true);
  });

  test('must register first, once, and in time', async () => {
    const client = await coordinator.open('worker-socket');
    expect(await codeOfRejection(client.unary(worker.lease, {}))).toBe('notRegistered');
    await client.unary(worker.register, registration);
    expect(await codeOfRejection(client.unary(worker.register, registration))).toBe('conflict');
  });

  test('is told what is wrong with its registration', async () => {
    const client = await coordinator.open('worker-socket');
    const register = (overrides: object): Promise<string> =>
      codeOfRejection(client.unary(worker.register, { ...registration, ...overrides }));
    await expect(client.unary(worker.register, { ...registration, protocolVersion: 99 })).rejects.toThrow(
      'protocol version 99 was offered, version 1 is spoken here',
    );
    expect(await register({ protocolVersion: 99 })).toBe('unsupportedProtocol');
    expect(await register({ token: 'letmein' })).toBe('unauthenticated');
    expect(await register({ token: `gs_${'A'.repeat(43)}` })).toBe('unauthenticated');
    expect(await register({ home: 'toaster' })).toBe('badRequest');
    expect(await register({ name: 'x'.repeat(65) })).toBe('badRequest');
  });

  test('without a token sees only jobs that allow it', async () => {
    await coordinator.submit({ allowAnonymous: false });
    const { client } = await join();
    expect(await codeOfRejection(client.unary(worker.getJob, { jobId }))).toBe('forbidden');
    expect(await codeOfRejection(client.unary(worker.getParameters, { jobId }))).toBe('forbidden');
    const watching = client.stream(worker.watchParameters, { jobId })[Symbol.asyncIterator]();
    expect(await codeOfRejection(watching.next())).toBe('forbidden');
    expect(await codeOfRejection(client.unary(worker.getJob, { jobId: 'none' }))).toBe('unknownJob');
    expect(await codeOfRejection(client.unary(worker.getJob, { jobId: '../..' }))).toBe('unknownJob');
  });

  test('is refused, with a code, a contribution of a wrong size, twice, or with NaN', async () => {
    await coordinator.submit({
      allowAnonymous: true,
      evaluation: { everyRounds: 1_000, samplesMax: 4, batchSize: 4 },
    });
    const { client } = await join();
    const leaseTraining = async (): Promise<Lease> => {
      for (;;) {
        const lease = await leaseUnit(client);
        if (lease.kind === unitKinds.train) return lease;
        await work(client, lease);
      }
    };
    const contribute = (lease: Lease, payload: Uint8Array, overrides = {}): Promise<string> =>
      codeOfRejection(
        client.unary(worker.contribute, { ...contributionTo(lease), ...overrides }, { payload }),
      );
    const good = createFlatCodec({ kind: 'float32' }, 3).encode(Float32Array.of(1, 0, -1), 0);
    const lease = await leaseTraining();
    expect(await contribute(lease, new Uint8Array(13))).toBe('tooLarge');
    expect(await contribute(lease, good, { leaseId: 'other' })).toBe('unknownLease');
    expect(await contribute(lease, good)).toBe('resolved');
    expect(await contribute(lease, good)).toMatch(/unknownLease|duplicate/);
    expect(await contribute(await leaseTraining(), good.subarray(0, 8))).toBe('wrongLength');
    const broken = new Uint8Array(Float32Array.of(Number.NaN, 0, 0).buffer);
    expect(await contribute(await leaseTraining(), broken)).toBe('notFinite');
  });

  test('that comes back under its id replaces its former connection', async () => {
    const first = await join();
    const client = await coordinator.open('worker-socket');
    const again = { ...registration, previousWorkerId: first.workerId };
    const { message } = await client.unary(worker.register, again);
    expect(message.workerId).toBe(first.workerId);
    expect(await first.client.closed).toMatchObject({ code: 4409 });
    expect((await client.unary(worker.heartbeat, { samplesPerSecond: 1 })).message.epoch).toBeGreaterThan(0);
    expect(coordinator.runtime.state.workers.size).toBe(1);
  });

  test('that leaves is forgotten, and its unit goes to another', async () => {
    await coordinator.submit({ allowAnonymous: true });
    const leaving = await join();
    const lease = await leaseUnit(leaving.client);
    leaving.client.close();
    await expect.poll(() => coordinator.runtime.state.workers.size).toBe(0);
    const { client } = await join();
    const next = await leaseUnit(client);
    expect(next).toMatchObject({ kind: lease.kind, unit: lease.unit });
  });

  test('gives up a poll without leaving a caller behind', async () => {
    const { client } = await join();
    const abort = new AbortController();
    const poll = codeOfRejection(client.unary(worker.lease, { pollMs: 20_000 }, { signal: abort.signal }));
    await expect.poll(() => coordinator.runtime.state.waiting.size).toBe(1);
    abort.abort();
    expect(await poll).toBe('cancelled');
    await expect.poll(() => coordinator.runtime.state.waiting.size).toBe(0);
  });
});

describe('an admin', () => {
  test('must sign in first, with an admin’s token', async () => {
    const client = await coordinator.open('admin-socket');
    expect(await codeOfRejection(client.unary(admin.listJobs, {}))).toBe('unauthenticated');
    const { token } = await coordinator.createToken('worker');
    const tryToken = (text: string): Promise<string> =>
      codeOfRejection(client.unary(admin.signIn, { protocolVersion, token: text }));
    expect(await tryToken(token)).toBe('forbidden');
    expect(await tryToken('')).toBe('unauthenticated');
    expect(await codeOfRejection(client.unary(admin.signIn, { protocolVersion: 2 }))).toBe(
      'unsupportedProtocol',
    );
    expect(await codeOfRejection(client.unary(admin.listJobs, {}))).toBe('unauthenticated');
  });

  test('follows a job to its end', async () => {
    await coordinator.submit({ allowAnonymous: true });
    const client = await coordinator.signIn();
    const states: string[] = [];
    const following = (async () => {
      for await (const { message } of client.stream(admin.watchJob, { jobId })) states.push(message.state);
    })();
    await expect.poll(() => states).toEqual(['running']);
    await client.unary(admin.controlJob, { jobId, action: 'cancel' });
    await following;
    expect(states).toEqual(['running', 'cancelled']);
    const { message } = await client.unary(admin.getJobStatus, { jobId });
    expect(message.status).toMatchObject({ jobId, state: 'cancelled', stateReason: 'cancel', parameters: 3 });
    expect((await client.unary(admin.listJobs, {})).message.jobs.map(({ state }) => state)).toEqual([
      'cancelled',
    ]);
    expect(await codeOfRejection(client.unary(admin.getJobStatus, { jobId: 'none' }))).toBe('unknownJob');
  });

  test('sees workers, and what they run on', async () => {
    await join((await coordinator.createToken('worker')).token);
    const client = await coordinator.signIn();
    const { message } = await client.unary(admin.listWorkers, {});
    expect(message.workers).toMatchObject([{ name: 'ada', home: 'node', role: 'worker', device: 'test' }]);
  });

  test('stores blobs only under their own hash', async () => {
    const client = await coordinator.signIn();
    const payload = new Uint8Array([1, 2, 3]);
    const hash = '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81';
    const put = async (name: string): Promise<boolean | string> => {
      const call = client.unary(admin.putBlob, { hash: name }, { payload });
      const code = await codeOfRejection(call);
      return code === 'resolved' ? (await call).message.stored : code;
    };
    expect(await put(hash)).toBe(true);
    expect(await put(hash)).toBe(false);
    expect(await put('a'.repeat(64))).toBe('hashMismatch');
    expect(await put('../x')).toBe('badRequest');
  });

  test('revokes a token, and its connections end', async () => {
    const { token, tokenId } = await coordinator.createToken('worker');
    const { client } = await join(token);
    const adminClient = await coordinator.signIn();
    const tokens = (await adminClient.unary(admin.listTokens, {})).message.tokens;
    expect(tokens.map(({ role }) => role).sort()).toEqual(['admin', 'worker']);
    await adminClient.unary(admin.revokeToken, { tokenId });
    expect(await client.closed).toEqual({ code: 4401, reason: 'unauthenticated: the token was revoked' });
    expect(await codeOfRejection(join(token))).toBe('unauthenticated');
  });

  test('answers an admin who revokes the own token before the connection ends', async () => {
    const { token, tokenId } = await coordinator.createToken('admin');
    await coordinator.createToken('admin');
    const client = await coordinator.open('admin-socket');
    await client.unary(admin.signIn, { protocolVersion, token });
    await client.unary(admin.revokeToken, { tokenId });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  test('lets no worker in whose token is revoked while it registers', async () => {
    const adminClient = await coordinator.signIn();
    for (let attempt = 0; attempt < 20; attempt++) {
      const { token, tokenId } = await coordinator.createToken('worker');
      const ending = join(token).then(
        async ({ client }) => (await client.closed).code,
        () => 4401,
      );
      await adminClient.unary(admin.revokeToken, { tokenId });
      expect(await ending).toBe(4401);
    }
  });
});

describe('the WebSocket server', () => {
  test('lets in programs and our own pages, not foreign ones', async () => {
    const { host } = new URL(coordinator.url);
    const open = (headers: Record<string, string>, path = 'worker-socket'): Promise<string> =>
      coordinator.openLink(path, headers).then(
        (link) => {
          link.close();
          return 'open';
        },
        (error: Error) => error.message,
      );
    expect(await open({})).toBe('open');
    expect(await open({ origin: `http://${host}` })).toBe('open');
    expect(await open({ origin: 'https://evil.example' })).toBe('HTTP 403');
    expect(await open({ origin: 'null' })).toBe('HTTP 403');
    expect(await open({ origin: 'http://rebound.example', host: 'rebound.example' })).toBe('HTTP 403');
    expect(await open({}, 'worker-socket?token=gs_x')).toBe('HTTP 400');
    expect(await open({}, 'other')).toBe('HTTP 404');
  });

  test('closes on text, and on a message above the limit', async () => {
    const closed = async (send: (link: Link) => void): Promise<number> => {
      const link = await coordinator.openLink('worker-socket');
      const code = new Promise<number>((resolve) => {
        link.onClose = resolve;
      });
      send(link);
      return code;
    };
    expect(await closed((link) => link.send(new Uint8Array(limits.frameBytesMax + 1)))).toBe(1009);
    expect(await closed((link) => link.send(new Uint8Array([1, 2, 3])))).toBe(4400);
  });
});
