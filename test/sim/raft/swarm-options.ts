import type { Random } from '../../../shared/base/random.ts';

/** What may go wrong in a world. Each world draws which of these it knows, so that none hides behind another. */
export const faultKinds = [
  'crash',
  'crashAll',
  'crashMidway',
  'pause',
  'partition',
  'isolateLeader',
  'oneWay',
  'clog',
  'slowDisk',
  'fsyncError',
  'wipe',
  'bitRot',
  'membership',
  'transfer',
  'clockSkew',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface SwarmOptions {
  readonly memberCount: number;
  readonly faults: ReadonlySet<FaultKind>;
  /** Upper ends of what a storm draws. */
  readonly lossMax: number;
  readonly duplicationMax: number;
  readonly delayMsMax: number;
  readonly syncMsMax: number;
  readonly faultIntervalMs: number;
  readonly clientCount: number;
  readonly thinkMs: number;
  /** When a client asks again; one that is impatient fills the log of a leader that is cut off. */
  readonly patienceMs: number;
  readonly commandBytesMax: number;
  readonly readShare: number;
  readonly replyLossShare: number;
  readonly snapshotEvery: number;
  readonly trailing: number;
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly snapshotChunkBytes: number;
}

export const tickMs = 100;
export const heartbeatTicks = 1;
export const electionTicks = 10;
export const electionTimeoutMs = electionTicks * tickMs;
export const transferTicks = electionTicks;

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0];
}

/** Swarm testing (Groce and others 2012): every world leaves out some faults and exaggerates others. */
export function drawSwarmOptions(random: Random): SwarmOptions {
  return {
    memberCount: pick(random, [3, 3, 3, 4, 5, 5]),
    faults: new Set(faultKinds.filter(() => random.unit() < 0.6)),
    lossMax: pick(random, [0, 0.05, 0.3]),
    duplicationMax: pick(random, [0, 0.1, 0.5]),
    delayMsMax: pick(random, [5, 30, 120, 400]),
    syncMsMax: pick(random, [2, 10, 60]),
    faultIntervalMs: pick(random, [600, 1_500, 4_000]),
    clientCount: 1 + random.below(4),
    thinkMs: pick(random, [300, 1_000, 3_000]),
    patienceMs: pick(random, [200, 1_500]),
    commandBytesMax: pick(random, [16, 16, 200]),
    readShare: pick(random, [0.1, 0.3, 0.6]),
    replyLossShare: pick(random, [0, 0.1, 0.4]),
    snapshotEvery: pick(random, [20, 60, 150]),
    trailing: pick(random, [0, 4, 30]),
    appendBytesMax: pick(random, [100, 400, 4_000]),
    inflightMessagesMax: pick(random, [1, 4, 64]),
    inflightBytesMax: pick(random, [200, 2_000, 64_000]),
    uncommittedBytesMax: pick(random, [200, 2_000, 64_000]),
    snapshotChunkBytes: pick(random, [500, 2_000, 100_000]),
  };
}
