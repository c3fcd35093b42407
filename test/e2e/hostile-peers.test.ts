import { setTimeout as after } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../shared/base/limits.ts';
import { createRandom } from '../../shared/base/random.ts';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { decodeFrame, encodeFrame, frameKinds } from '../../shared/protocol/frame.ts';
import { workerService } from '../../shared/protocol/services.ts';
import { bytesOf } from '../../shared/tensor/bytes.ts';
import { type CoordinatorProcess, openCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';
import {
  type ContributionFields,
  closeOf,
  honestFields,
  openRawSocket,
  openVolunteer,
  type Volunteer,
} from './support/volunteer.ts';

/** One coordinator serves the whole file, so every attack meets what the attacks before it have left. */
let coordinator: CoordinatorProcess;
let workerToken: string;
beforeAll(async () => {
  coordinator = await openCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(500));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  workerToken = await coordinator.createToken('worker');
  await coordinator.submit(attacked);
  // Holds a unit and says nothing, as a laptop does that was put to sleep.
  const stalled = await openVolunteer(coordinator.url, { token: workerToken });
  await stalled.lease('attacked');
  return () => coordinator.close();
});

const attacked: AuthoredJob = {
  name: 'attacked',
  model: { kind: 'mlp', hidden: [8] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  unitsPerRound: 4,
  batchSize: 16,
  stop: { rounds: 10 },
  evaluation: { samplesMax: 0 },
  updateNormMax: 100,
};

async function volunteer(): Promise<Volunteer> {
  const opened = await openVolunteer(coordinator.url, { token: workerToken });
  onTestFinished(() => opened.close());
  return opened;
}

async function rawSocket(path = 'worker-socket') {
  const socket = await openRawSocket(coordinator.url, path);
  onTestFinished(() => socket.terminate());
  return socket;
}

describe('a contribution', () => {
  let honest: Volunteer;
  let fields: ContributionFields;
  let update: Uint8Array;
  beforeEach(async () => {
    honest = await volunteer();
    fields = await honestFields(honest, await honest.lease('attacked'));
    update = bytesOf(new Float32Array(fields.length));
  });

  const filled = (value: number) => (): Uint8Array => bytesOf(new Float32Array(fields.length).fill(value));

  it.each<[string, string, (fields: ContributionFields) => Partial<ContributionFields>, (() => Uint8Array)?]>(
    [
      ['of an unknown job', 'unknownJob', () => ({ jobId: 'nowhere' })],
      [
        'of a version that is not the current one',
        'wrongVersion',
        ({ version }) => ({ version: version + 1 }),
      ],
      ['of a round that is not open', 'wrongRound', ({ round }) => ({ round: round + 1 })],
      ['of another leader', 'staleEpoch', ({ epoch }) => ({ epoch: epoch - 1 })],
      ['of a unit that does not exist', 'badRequest', () => ({ unit: 4 })],
      ['of a unit that was leased to another', 'unknownLease', ({ unit }) => ({ unit: (unit + 1) % 4 })],
      ['under a lease that nobody gave', 'unknownLease', () => ({ leaseId: 'made-up' })],
      ['for other shapes', 'wrongManifest', () => ({ manifestHash: '0'.repeat(64) })],
      ['in a codec that the job does not use', 'wrongCodec', () => ({ codec: 'int8' })],
      ['in a codec that nobody knows', 'wrongCodec', () => ({ codec: 'middle-out' })],
      ['that says another length', 'wrongLength', ({ length }) => ({ length: length - 1 })],
      ['with bytes missing', 'wrongLength', () => ({}), () => update.subarray(4)],
      ['with NaN', 'notFinite', () => ({}), filled(Number.NaN)],
      ['with an infinity', 'notFinite', () => ({}), filled(Number.NEGATIVE_INFINITY)],
      ['larger than the job allows', 'normTooLarge', () => ({}), filled(1e6)],
      ['with a loss that is no number', 'notFinite', () => ({ loss: Number.NaN })],
      ['over other samples', 'badRequest', ({ samples }) => ({ samples: samples + 1 })],
    ],
  )('%s is refused as %s', async (_, code, wrong, payload = () => update) => {
    await expect(honest.contribute({ ...fields, ...wrong(fields) }, payload())).rejects.toMatchObject({
      code,
    });
  });

  it('longer than the job allows is refused before it is stored', async () => {
    const long = bytesOf(new Float32Array(fields.length + 1));
    await expect(honest.contribute(fields, long)).rejects.toMatchObject({ code: 'tooLarge' });
  });

  it('of a lease that was given back is refused', async () => {
    await honest.client.unary(workerService.method.releaseLeases, { leaseIds: [fields.leaseId] });
    await expect(honest.contribute(fields, update)).rejects.toMatchObject({ code: 'unknownLease' });
  });

  it('is counted once when its frame is replayed', async () => {
    await coordinator.submit({ ...attacked, name: 'replayed' });
    const own = await honestFields(honest, await honest.lease('replayed'));
    await honest.contribute(own, bytesOf(new Float32Array(own.length)));
    const { envelope } = await honest.replay();
    expect(envelope.kind).toBe(frameKinds.ERROR);
    expect(envelope.status?.code).toBe('duplicate');
  });
});

it('refuses a contribution after its deadline', async () => {
  await coordinator.submit({ ...attacked, name: 'late' });
  const late = await volunteer();
  // The first deadlines are long; after some units they follow from the times that units took.
  for (let unit = 0; unit < 12; unit++) {
    const own = await honestFields(late, await late.lease('late'));
    await late.contribute(own, bytesOf(new Float32Array(own.length)));
  }
  const lease = await late.lease('late');
  const own = await honestFields(late, lease);
  expect(lease.deadlineMs).toBeLessThan(limits.leaseTimeoutMsFirst);
  await after(lease.deadlineMs);
  await expect(late.contribute(own, bytesOf(new Float32Array(own.length)))).rejects.toMatchObject({
    code: 'leaseExpired',
  });
});

describe('registration', () => {
  it.each([
    ['a protocol version of the future', { protocolVersion: 99 }, 'unsupportedProtocol'],
    ['a token that nobody made', { token: `gs_${'A'.repeat(43)}` }, 'unauthenticated'],
    ['a name without end', { name: 'x'.repeat(10_000) }, 'badRequest'],
  ])('with %s is refused', async (_, wrong, code) => {
    const opened = openVolunteer(coordinator.url, { token: workerToken, ...wrong });
    await expect(opened).rejects.toMatchObject({ code });
  });

  it('without a token gives no work of a job that wants one', async () => {
    const anonymous = await openVolunteer(coordinator.url, {});
    onTestFinished(() => anonymous.close());
    await expect(anonymous.job('attacked')).rejects.toMatchObject({ code: 'forbidden', field: 'jobId' });
    await expect(anonymous.lease('attacked')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('comes first', async () => {
    const socket = await rawSocket();
    const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send(encodeFrame({ call: 1, kind: frameKinds.REQUEST, method: 'WorkerService/Lease' }));
    expect(decodeFrame(await answer).envelope.status?.code).toBe('notRegistered');
  });
});

describe('a frame', () => {
  const frame = encodeFrame({ call: 1, kind: frameKinds.REQUEST, method: 'WorkerService/Register' });
  const random = createRandom(17);
  const noise = (): Uint8Array => Uint8Array.from({ length: random.below(200) }, () => random.below(256));

  it.each<[string, string | Uint8Array, number, RegExp]>([
    [
      'of random bytes',
      Uint8Array.of(9, 0, 0, 0, 255, 254, 253, 252, 251, 250, 249, 248, 247),
      4400,
      /^malformedFrame: /,
    ],
    ['that is cut short', frame.subarray(0, 20), 4400, /^malformedFrame: .* the frame has 20/],
    ['without a byte', new Uint8Array(0), 4400, /^malformedFrame: .*0 bytes cannot/],
    ['that is text', '{"hello": "world"}', 4400, /^malformedFrame: /],
    ['of a server', encodeFrame({ call: 1, kind: frameKinds.RESPONSE }), 4400, /^malformedFrame: frame kind/],
    [
      'with a header without end',
      Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0),
      4413,
      /^tooLarge: frame header/,
    ],
    ['over the limit', new Uint8Array(limits.frameBytesMax + 1), 1009, /^/],
    ['of 200 MB', new Uint8Array(200e6), 1009, /^/],
  ])('%s ends its own connection only, with the reason', async (_, bytes, code, reason) => {
    const other = await volunteer();
    for (const path of ['worker-socket', 'admin-socket']) {
      const socket = await rawSocket(path);
      const closed = closeOf(socket);
      socket.send(bytes);
      expect(await closed).toMatchObject({ code, reason: expect.stringMatching(reason) });
    }
    await other.job('attacked');
  });

  it('of noise never ends the coordinator', async () => {
    const closed = Array.from({ length: 205 }, async () => {
      const socket = await rawSocket();
      const end = closeOf(socket);
      socket.send(noise());
      return (await end).code;
    });
    expect(new Set(await Promise.all(closed))).toEqual(new Set([4400, 4413]));
    expect((await coordinator.status('attacked')).status?.state).toBe('running');
  });
});

describe('while others misbehave', () => {
  it('a job ends with the same bits, and every unit counted once', async () => {
    const silent = closeOf(await rawSocket());
    const worker = coordinator.startWorker(workerToken, '--backend', 'cpu');
    const finished = await coordinator.untilStatus('attacked', ({ state }) => state === 'finished');

    await coordinator.submit({ ...attacked, name: 'undisturbed' });
    const undisturbed = await coordinator.untilStatus('undisturbed', ({ state }) => state === 'finished');
    expect(finished.parametersHash).toBe(undisturbed.parametersHash);
    expect((await coordinator.status('attacked')).unitsCounted).toBe(40);
    expect(await silent).toEqual({
      code: 4401,
      reason: expect.stringContaining('unauthenticated: no Register'),
    });
    expect(worker.process.exitCode).toBeNull();
    expect(coordinator.running.process.exitCode).toBeNull();
  });
});
