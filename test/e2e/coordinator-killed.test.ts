import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRandom } from '../../shared/base/random.ts';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 64;
const unitsPerRound = 4;
const checkpointEvery = 16;
const kills = 3;

const codecs = ['float32', 'int8'] as const;

/** Small enough for seconds, large enough that a kill meets a round half done. */
function job(codec: (typeof codecs)[number]): AuthoredJob {
  return {
    name: `clouds-${codec}`,
    model: { kind: 'mlp', hidden: [64, 64] },
    dataset: 'clouds',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'adamw', learningRate: 0.003 },
    unitsPerRound,
    batchSize: 128,
    codec: { up: codec, down: codec },
    stop: { rounds },
    evaluation: { everyRounds: 30, samplesMax: 100 },
    checkpoint: { everyRounds: checkpointEvery },
    seed: 11,
  };
}

/** A coordinator with one job for each codec, which run side by side, and a token for its workers. */
async function begin(): Promise<{ coordinator: CoordinatorProcess; workerToken: string }> {
  const coordinator = await startCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(2_000));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  for (const codec of codecs) await coordinator.submit(job(codec));
  return { coordinator, workerToken: await coordinator.createToken('worker') };
}

/** Parameter hashes of the finished jobs, in the order of `codecs`. */
async function finalHashes(coordinator: CoordinatorProcess): Promise<string[]> {
  const finished = codecs.map((codec) =>
    coordinator.untilStatus(job(codec).name, ({ state }) => state === 'finished'),
  );
  return (await Promise.all(finished)).map(({ parametersHash }) => parametersHash);
}

async function undisturbedHashes(): Promise<string[]> {
  const { coordinator, workerToken } = await begin();
  const worker = coordinator.startWorker(workerToken, '--backend', 'wasm');
  const hashes = await finalHashes(coordinator);
  await worker.kill();
  return hashes;
}

/** Rounds at which to kill, in order, with room between them for a worker that is back to commit some. */
function killRounds(): number[] {
  const random = createRandom(5);
  const stride = Math.floor((rounds - 10) / kills);
  return Array.from({ length: kills }, (_, index) => 3 + index * stride + random.below(stride - 3));
}

/** The number and the bytes of the blobs. */
function blobUse(dataFolder: string): { readonly blobs: number; readonly bytes: number } {
  const folder = join(dataFolder, 'blobs');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
  return { blobs: files.length, bytes };
}

/**
 * The bound of docs/adr/0002 for two jobs and the shards of their data set: for each job the aggregates of two
 * checkpoint intervals and one more, two checkpoints of parameters, published vector, two slots and a manifest, and the
 * initial parameters. A kill leaves one orphan or temporary file for each job at most, which the next start sweeps.
 */
function expectBounded(dataFolder: string, shardBytes: number, parameters: number): void {
  const vectors = 2 * checkpointEvery + 1 + 2 * (2 + 2) + 1 + 1;
  const manifestBytesMax = 4_096;
  const { blobs, bytes } = blobUse(dataFolder);
  expect(blobs).toBeLessThanOrEqual(2 + codecs.length * (vectors + 2));
  const jobBytes = vectors * 4 * parameters + 2 * manifestBytesMax;
  expect(bytes).toBeLessThanOrEqual(shardBytes + codecs.length * jobBytes);
}

it('ends with the bits of an undisturbed run when coordinator and worker are killed again and again', async () => {
  const expectedHashes = await undisturbedHashes();
  const { coordinator, workerToken } = await begin();
  const watched = job('float32').name;
  const { status: first } = await coordinator.status(watched);
  const parameters = first?.parameters ?? 0;
  const shardBytes = blobUse(coordinator.dataFolder).bytes;
  const survivor = coordinator.startWorker(workerToken, '--backend', 'wasm', '--name', 'survivor');
  const victim = coordinator.startWorker(workerToken, '--backend', 'wasm', '--name', 'victim');

  for (const [index, round] of killRounds().entries()) {
    const { version } = await coordinator.untilStatus(watched, (status) => status.version >= round);
    expect(version).toBeLessThan(rounds);
    await coordinator.kill();
    expectBounded(coordinator.dataFolder, shardBytes, parameters);
    if (index === 1) await victim.kill();
    await coordinator.restart();
    const { status: resumed } = await coordinator.status(watched);
    expect(resumed?.version).toBeGreaterThanOrEqual(version);
    // Once more before any worker is back: what a restart has read and swept is as good to start from.
    if (index === 2) {
      await coordinator.kill();
      await coordinator.restart();
    }
  }

  expect(await finalHashes(coordinator)).toEqual(expectedHashes);
  for (const codec of codecs) {
    const { status, unitsCounted } = await coordinator.status(job(codec).name);
    expect(status?.version).toBe(rounds);
    expect(unitsCounted).toBe(rounds * unitsPerRound);
  }
  expectBounded(coordinator.dataFolder, shardBytes, parameters);
  expect(survivor.process.exitCode).toBeNull();
});
