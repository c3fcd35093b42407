import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Random } from '../../shared/base/random.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import {
  decodeRingMessage,
  encodeRingMessage,
  type RingMessage,
} from '../../shared/sync/ring/ring-message.ts';
import { packSums } from '../../shared/tensor/packed-sums.ts';
import type { Contribution } from './sim-results.ts';

/** What a member may do instead of its part. None of it may reach a committed round. */
export interface RingLie {
  /** Of a unit that it keeps. */
  announce?(honest: Contribution): Contribution;
  /** In place of one message for the successor, or nothing. */
  send?(bytes: Uint8Array, members: number): Uint8Array | undefined;
  /** The hash that it tells of the sum. */
  report?(hash: string): string;
  /** Why it says that it has no sum, when it has one. */
  fail?: ErrorCode;
  /** The sum that it hands in. */
  upload?(sum: { readonly hash: string; readonly packed: Uint8Array }): { hash: string; packed: Uint8Array };
  /** Before the message of this step it is gone. */
  diesBefore?(step: number, members: number): boolean;
  /** Time that a message takes to leave, or a report. */
  delayMs?: number;
}

const otherHash = createHash('sha256').update('another sum').digest('hex');

/** A message with a right checksum, and otherwise as the liar likes it. */
function forged(change: (message: RingMessage, members: number) => RingMessage) {
  return (bytes: Uint8Array, members: number): Uint8Array =>
    encodeRingMessage(change(decodeRingMessage(bytes, crc32), members), crc32);
}

const isGather = ({ step }: RingMessage, members: number): boolean => step >= members - 1;

export const ringLies = {
  'members send another chunk than is due': { send: forged((m) => ({ ...m, start: m.start + 1 })) },
  'members send the chunk of a later step': { send: forged((m) => ({ ...m, step: m.step + 1 })) },
  'members send chunks of another epoch': { send: forged((m) => ({ ...m, epoch: m.epoch - 1 })) },
  'members send chunks of another ring epoch': {
    send: forged((m) => ({ ...m, ringEpoch: m.ringEpoch + 1 })),
  },
  'members speak for others': { send: forged((m) => ({ ...m, position: m.position + 1 })) },
  'members send damaged chunks': {
    send: (bytes) => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
  },
  'members send what is no sum': {
    send: forged((m) => ({ ...m, payload: packSums(new Float64Array(m.count).fill(1_000)) })),
  },
  'members send sums off the grid': {
    send: forged((m) => ({ ...m, payload: Uint8Array.of(7, 60, ...new Uint8Array(7 * m.count)) })),
  },
  'members pass on other sums than they got': {
    send: forged((m, members) =>
      isGather(m, members) ? { ...m, payload: packSums(new Float64Array(m.count).fill(2 ** -10)) } : m,
    ),
  },
  'members tell another hash than that of their sum': { report: () => otherHash },
  'members hand in another sum than they told of': {
    upload: ({ hash, packed }) => ({ hash, packed: packSums(new Float64Array(packed.length)).slice() }),
  },
  'members hand in a sum and the hash of another': { upload: ({ packed }) => ({ hash: otherHash, packed }) },
  'members hand in a sum that is too long': {
    upload: ({ packed }) => {
      const longer = new Uint8Array([...packed, 0]);
      return { hash: createHash('sha256').update(longer).digest('hex'), packed: longer };
    },
  },
  'members claim a failure of their neighbour': { fail: 'checksumMismatch' },
  'members announce impossible updates': {
    announce: (honest) => ({ ...honest, norm: Number.NaN }),
  },
  'members announce updates that are too large': { announce: (honest) => ({ ...honest, norm: 1e9 }) },
  'members announce for another ring': {
    announce: (honest) => ({ ...honest, ringId: (honest.ringId ?? 0) + 1 }),
  },
  'members send what they say that they keep': {
    announce: (honest) => ({ ...honest, payload: new Uint8Array(4) }),
  },
  'members die in the reduce-scatter': { diesBefore: (step) => step === 0 },
  'members die between reduce-scatter and all-gather': {
    diesBefore: (step, members) => step === members - 1,
  },
  'members die in the all-gather': { diesBefore: (step, members) => step === 2 * members - 3 },
  'members are slow': { delayMs: limits.ringTimeoutMsMin / 2 },
  'members are too slow': { delayMs: 2 * limits.ringTimeoutMsMin },
} as const satisfies { readonly [Name: string]: RingLie };

const all: readonly RingLie[] = Object.values(ringLies);

export function someRingLie(random: Random): RingLie {
  return all[random.below(all.length)] ?? {};
}
