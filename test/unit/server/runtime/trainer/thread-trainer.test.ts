import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Trainer } from '../../../../../server/runtime/ports.ts';
import { createLocalTrainer } from '../../../../../server/runtime/trainer/local-trainer.ts';
import { spawnTrainer } from '../../../../../server/runtime/trainer/spawn-trainer.ts';
import { createThreadTrainer } from '../../../../../server/runtime/trainer/thread-trainer.ts';
import { openBlobStore } from '../../../../../server/storage/blob-store.ts';
import { floatsOf } from '../../../../../shared/tensor/bytes.ts';
import { contribution, jobId, jobIn, memoryStores, train, vector } from './fixture.ts';

/** Takes the vector of the first unit. */
const ownAggregator = `
export function aggregate(vectors, weights, target) {
  if (vectors.length < 2) throw new Error('one is too few');
  target.set(vectors[0]);
}`;

const entry = new URL('../../../../../server/trainer-main.ts', import.meta.url);

describe('in its thread', () => {
  let folder: string;
  let trainer: Trainer;
  const fatal: Error[] = [];

  beforeEach(() => {
    fatal.length = 0;
    folder = mkdtempSync(join(tmpdir(), 'gradswarm-trainer-'));
    trainer = spawnTrainer(
      entry,
      { blobFolder: folder, aggregators: {} },
      { onFatal: (error) => fatal.push(error) },
    );
  });

  afterEach(async () => {
    await trainer.shutdown();
    expect(fatal).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('gives the same bits as in this one, and finds them again', async () => {
    const stores = memoryStores();
    const local = createLocalTrainer(stores);
    await local.open(jobIn(stores.blobs));
    const job = jobIn(openBlobStore(folder));
    await trainer.open(job);
    const rounds = [0, 1, 2];
    const result = await train(trainer, rounds);
    expect(result).toEqual(await train(local, rounds));
    expect(await trainer.snapshot(jobId)).toEqual(await local.snapshot(jobId));

    const { manifestHash } = await trainer.storeCheckpoint(jobId, 3);
    await trainer.shutdown();
    trainer = spawnTrainer(
      entry,
      { blobFolder: folder, aggregators: {} },
      { onFatal: (error) => fatal.push(error) },
    );
    const plan = { ...job.plan, checkpointHash: manifestHash };
    const { parametersHash } = result;
    expect(await trainer.open({ ...job, plan })).toEqual({ version: 3, parametersHash });
  });

  test('asks an aggregator of the operator there, whose failure concerns its job alone', async () => {
    const path = join(folder, 'own.mjs');
    writeFileSync(path, ownAggregator);
    await trainer.shutdown();
    trainer = spawnTrainer(
      entry,
      { blobFolder: folder, aggregators: { own: path } },
      { onFatal: (error) => fatal.push(error) },
    );
    const blobs = openBlobStore(folder);
    await trainer.open(jobIn(blobs, { aggregator: { kind: 'custom', name: 'own' } }));
    await trainer.reduce(contribution(0, 1, { kind: 'float32' }));
    await expect(trainer.storeRound(jobId, 0, 1)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining(`own (${path}) failed: one is too few`),
    });
    await trainer.reduce(contribution(0, 0, { kind: 'float32' }));
    const { aggregateHash } = await trainer.storeRound(jobId, 0, 2);
    expect(floatsOf(blobs.get(aggregateHash).subarray(0, 4 * vector(0).length))).toEqual(vector(1));
  });

  test('takes whole payloads without a copy, and parts of a buffer without harm to the rest', async () => {
    await trainer.open(jobIn(openBlobStore(folder)));
    const whole = contribution(0, 0);
    expect(await trainer.reduce(whole)).toMatchObject({ accepted: true });
    expect(whole.payload.byteLength).toBe(0);

    const { payload, ...request } = contribution(0, 1);
    const frame = Buffer.alloc(payload.byteLength + 7, 9);
    frame.set(payload, 3);
    const part = frame.subarray(3, 3 + payload.byteLength);
    expect(await trainer.reduce({ ...request, payload: part })).toMatchObject({ accepted: true });
    expect(frame[0]).toBe(9);
    expect(part).toEqual(Buffer.from(payload));
  });

  test('reports errors with their code and field', async () => {
    await expect(trainer.snapshot(jobId)).rejects.toMatchObject({
      name: 'GradswarmError',
      code: 'jobNotRunning',
      message: 'Job job is not open in the trainer.',
    });
    await trainer.open(jobIn(openBlobStore(folder)));
    await trainer.reduce(contribution(0, 0));
    await expect(trainer.storeRound(jobId, 0, 2)).rejects.toThrow('Invariant broken');
    const { bytes } = await trainer.snapshot(jobId);
    expect(floatsOf(bytes)).toEqual(vector(0));
  });
});

describe('a thread that does not answer', () => {
  const silent = () =>
    new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });

  test('has a bounded queue', async () => {
    const { payload } = contribution(0, 0);
    const queueBytesMax = 2 * payload.byteLength;
    const worker = silent();
    const trainer = createThreadTrainer(worker, { onFatal: () => {}, queueBytesMax });
    const waiting = [trainer.reduce(contribution(0, 0)), trainer.reduce(contribution(0, 1))];
    expect(await trainer.reduce(contribution(0, 2))).toMatchObject({ accepted: false, code: 'unavailable' });
    await worker.terminate();
    for (const { status } of await Promise.allSettled(waiting)) expect(status).toBe('rejected');
  });

  test('is reported once when it ends, and every call is rejected', async () => {
    const fatal: Error[] = [];
    const worker = silent();
    const trainer = createThreadTrainer(worker, { onFatal: (error) => fatal.push(error) });
    const waiting = trainer.snapshot(jobId);
    await worker.terminate();
    await expect(waiting).rejects.toThrow('thread ended');
    await expect(trainer.snapshot(jobId)).rejects.toThrow('thread ended');
    await trainer.shutdown();
    expect(fatal).toHaveLength(1);
  });

  test('reports why it ended', async () => {
    const worker = new Worker("throw new Error('no memory')", { eval: true });
    const error = await new Promise<Error>((onFatal) => createThreadTrainer(worker, { onFatal }));
    expect(error.message).toBe('no memory');
  });
});
