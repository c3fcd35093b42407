import type { BlobStore, Trainer, TrainerJob } from '../../../../../server/runtime/ports.ts';
import type { TrainerStores } from '../../../../../server/runtime/trainer/open-state.ts';
import { createCheckpointStore } from '../../../../../server/storage/checkpoint-store.ts';
import { createMemoryBlobStore } from '../../../../../server/storage/memory-blob-store.ts';
import { asJobId, type BlobHash } from '../../../../../shared/base/ids.ts';
import { createRandom } from '../../../../../shared/base/random.ts';
import type { CodecSpec } from '../../../../../shared/codec/codec-spec.ts';
import { codecText } from '../../../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../../../shared/codec/codecs.ts';
import { bytesOf } from '../../../../../shared/tensor/bytes.ts';
import { createManifest, type TensorDeclaration } from '../../../../../shared/tensor/manifest.ts';

export const jobId = asJobId('job');

export const tensors: readonly TensorDeclaration[] = [
  { name: 'kernel', shape: [30, 10] },
  { name: 'movingMean', shape: [10], role: 'statistic' },
  { name: 'bias', shape: [10] },
];

const manifest = createManifest(tensors);
export const { length } = manifest;
export const codecOf = (spec: CodecSpec) => createCodec(spec, manifest);
export const unitsPerRound = 4;

export function vector(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.unit() - 0.5);
}

export function memoryStores(): TrainerStores {
  const blobs = createMemoryBlobStore();
  return { blobs, checkpoints: createCheckpointStore(blobs) };
}

/** A fresh job whose initial parameters are in `blobs`. */
export function jobIn(blobs: BlobStore, changes: Partial<TrainerJob> = {}): TrainerJob {
  return {
    jobId,
    tensors,
    optimizer: { kind: 'adamw', learningRate: 0.01, clipNorm: 10 },
    downCodec: { kind: 'int8' },
    seed: 5,
    plan: { initialParametersHash: blobs.put(bytesOf(vector(0))), replay: [] },
    ...changes,
  };
}

export function contribution(round: number, unit: number, spec: CodecSpec = { kind: 'int8' }) {
  const seed = 1_000 * round + unit + 1;
  const payload = codecOf(spec).encode(vector(seed), seed);
  return { jobId, round, unit, codec: codecText(spec), seed, weight: 1, normMax: 100, payload };
}

export type ReplayedRound = TrainerJob['plan']['replay'][number];

/** Trains `rounds` whole rounds and returns what the log would say of them. */
export async function train(
  trainer: Trainer,
  rounds: readonly number[],
  orderUnits: (units: number[]) => number[] = (units) => units,
): Promise<{ history: ReplayedRound[]; updates: Uint8Array[]; parametersHash: BlobHash }> {
  const history: ReplayedRound[] = [];
  const updates: Uint8Array[] = [];
  for (const round of rounds) {
    for (const unit of orderUnits(Array.from({ length: unitsPerRound }, (_, index) => index))) {
      const outcome = await trainer.reduce(contribution(round, unit));
      if (!outcome.accepted) throw new Error(outcome.message);
    }
    const { aggregateHash, parametersHash, delta } = await trainer.storeRound(jobId, round, unitsPerRound);
    history.push({ round, aggregateHash, parametersHash });
    updates.push(delta);
    await trainer.installRound(jobId, round);
  }
  return { history, updates, parametersHash: history.at(-1)!.parametersHash };
}
