import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Checksum } from '../../../shared/protocol/checksum.ts';
import type { IceServer } from '../../../shared/protocol/ice-server.ts';
import type { RingEvent, RingIdentity, RingPlan, RingUpload } from '../../../shared/protocol/services.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import { packSums } from '../../../shared/tensor/packed-sums.ts';
import type { Sha256 } from '../data/sha256.ts';
import { createHeldSums, type HeldUpdate } from './held-sums.ts';
import type { QuotedRing, RingCalls } from './ring-calls.ts';
import type { RingTransport } from './ring-channel.ts';
import { createRingPart, type RingPart, type RingSum } from './ring-part.ts';

/** What a worker keeps for rings on one connection, and its part in them. */
export interface RingDesk {
  /**
   * Announces an update by its header alone, with `announce`, and keeps it once it is counted.
   * @throws whatever `announce` throws; then nothing is kept.
   */
  hold(
    update: HeldUpdate,
    announce: () => Promise<void>,
    accumulate: (sum: Float64Array) => void,
  ): Promise<void>;
  /** For channels between members, as the coordinator names them; for rings that begin from now on. */
  useIceServers(servers: readonly IceServer[]): void;
  /** Does what is asked of this worker, until the signal. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface RingDeskOptions {
  readonly calls: RingCalls;
  readonly self: string;
  readonly transports: readonly RingTransport[];
  readonly sha256: Sha256;
  readonly checksum: Checksum;
  readonly timers: Timers;
  /** Something went wrong that the coordinator will get over. */
  readonly onTrouble: (error: unknown) => void;
}

export function createRingDesk(options: RingDeskOptions): RingDesk {
  const { calls, onTrouble } = options;
  const sums = createHeldSums();
  const announcing = new Set<Promise<void>>();
  const parts = new Map<string, RingPart>();
  const done = new Map<string, RingSum>();
  let iceServers: readonly IceServer[] = [];

  /** A plan may come before the answer to the last unit that it names was read. */
  const settled = async (): Promise<void> => {
    while (announcing.size > 0) await Promise.allSettled(announcing);
  };

  const begin = async (plan: RingPlan, ring: QuotedRing): Promise<void> => {
    parts.get(ring.jobId)?.stop();
    done.delete(ring.jobId);
    const part = createRingPart({ ...options, plan, ring, iceServers });
    parts.set(ring.jobId, part);
    await settled();
    if (part.isStopped) return;
    const units = plan.members.find(({ workerId }) => workerId === options.self)?.units ?? [];
    await part.run(sums.find(ring.jobId, ring, units), (sum) => {
      if (parts.get(ring.jobId) === part) done.set(ring.jobId, sum);
    });
  };

  const upload = async ({ units, deadlineMs }: RingUpload, ring: QuotedRing): Promise<void> => {
    await settled();
    const sum = units.length > 0 ? await ownSum(ring, units) : done.get(ring.jobId);
    if (sum === undefined || !isSame(sum.ring, ring)) {
      throw new GradswarmError('conflict', 'The coordinator asked for a sum that this worker does not have.');
    }
    await calls.upload(ring, sum.hash, sum.packed, deadlineMs);
    done.delete(ring.jobId);
  };

  const ownSum = async (ring: QuotedRing, units: readonly number[]): Promise<RingSum | undefined> => {
    const held = sums.find(ring.jobId, ring, units);
    if (held === undefined) return undefined;
    const packed = packSums(held.sum);
    return { ring, packed, hash: await options.sha256(packed) };
  };

  const partOf = (ring: QuotedRing): RingPart | undefined => {
    const part = parts.get(ring.jobId);
    return part !== undefined && isSame(part.ring, ring) ? part : undefined;
  };

  const handle = ({ event }: RingEvent, payload: Uint8Array): Promise<void> | undefined => {
    const quoted = event.value?.ring;
    if (event.case === undefined || quoted === undefined) return undefined;
    const ring = quotedRing(quoted);
    switch (event.case) {
      case 'plan':
        return begin(event.value, ring);
      case 'upload':
        return upload(event.value, ring);
      case 'over':
        partOf(ring)?.stop();
        return undefined;
      case 'relayed':
        partOf(ring)?.relayed.put(payload);
        return undefined;
      case 'signal':
        partOf(ring)?.signals.put({ from: event.value.from, text: event.value.text });
        return undefined;
    }
  };

  return {
    useIceServers(servers) {
      iceServers = servers.map(({ urls, username, credential }) => ({
        urls,
        ...(username ? { username } : {}),
        ...(credential ? { credential } : {}),
      }));
    },
    async hold(update, announce, accumulate) {
      const held = announce().then(() => sums.add(update, accumulate));
      announcing.add(held);
      await held.finally(() => announcing.delete(held));
    },
    async run(signal) {
      const trouble = (error: unknown): void => {
        const isOver = error instanceof GradswarmError && error.code === 'cancelled';
        if (!signal.aborted && !isOver) onTrouble(error);
      };
      try {
        for await (const { message, payload } of calls.watch(signal))
          handle(message, payload)?.catch(trouble);
      } catch (error) {
        trouble(error);
      }
      for (const part of parts.values()) part.stop();
    },
  };
}

function quotedRing({ jobId, epoch, round, ringId, ringEpoch }: RingIdentity): QuotedRing {
  return { jobId, epoch, round, ringId, ringEpoch };
}

function isSame(left: QuotedRing, right: QuotedRing): boolean {
  return (
    left.jobId === right.jobId &&
    left.epoch === right.epoch &&
    left.round === right.round &&
    left.ringId === right.ringId &&
    left.ringEpoch === right.ringEpoch
  );
}
