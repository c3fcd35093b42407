import { asLeaseId } from '../../shared/base/ids.ts';
import type { Random } from '../../shared/base/random.ts';
import type { Contribution } from './sim-results.ts';

/** What a volunteer may send instead of its honest result. */
export type Lie = (honest: Contribution, earlier: Contribution | undefined, random: Random) => Contribution;

const filled = (payload: Uint8Array, value: number): Uint8Array =>
  new Uint8Array(new Float32Array(payload.byteLength / 4).fill(value).buffer);

/** None of these may be counted. */
export const lies: readonly Lie[] = [
  (honest) => ({ ...honest, payload: filled(honest.payload, Number.NaN) }),
  (honest) => ({ ...honest, payload: filled(honest.payload, Number.POSITIVE_INFINITY) }),
  (honest) => ({ ...honest, payload: filled(honest.payload, 3e30) }),
  (honest) => ({ ...honest, payload: honest.payload.subarray(1) }),
  (honest) => ({ ...honest, length: honest.length + 1 }),
  (honest) => ({ ...honest, loss: Number.NaN }),
  (honest) => ({ ...honest, samples: honest.samples * 1_000 }),
  (honest) => ({ ...honest, codec: 'int8' }),
  (honest) => ({ ...honest, manifestHash: honest.manifestHash.split('').reverse().join('') }),
  (honest) => ({ ...honest, version: honest.version - 1 }),
  (honest) => ({ ...honest, round: honest.round + 1 }),
  (honest, _, random) => ({ ...honest, unit: honest.unit + 1 + random.below(3) }),
  (honest) => ({ ...honest, epoch: honest.epoch - 1 }),
  (honest, _, random) => ({ ...honest, leaseId: asLeaseId(random.uint32().toString(16)) }),
  (honest, earlier) => earlier ?? { ...honest, unit: -1 },
];
