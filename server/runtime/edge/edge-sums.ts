import { GradswarmError } from '../../../shared/base/errors.ts';
import type { JobId } from '../../../shared/base/ids.ts';
import type { ReduceOutcome, Trainer } from '../ports.ts';
import type { ReduceOrder, RelayName, SumRequest } from './relay-messages.ts';

/**
 * What a follower has summed for the leader: of each job the newest serial only. Sums of another relay, or of a round
 * that was opened anew, are never added to.
 */
export interface EdgeSums {
  reduce(relay: RelayName, order: ReduceOrder, payload: Uint8Array): Promise<ReduceOutcome>;
  /** The packed sums. @throws GradswarmError `conflict` when they are not of exactly these units. */
  collect(request: SumRequest): Promise<Uint8Array>;
}

interface Held {
  readonly key: string;
  readonly serial: number;
  readonly units: Set<number>;
}

export function createEdgeSums(trainer: Pick<Trainer, 'reduceAtEdge' | 'edgeSum'>): EdgeSums {
  const held = new Map<JobId, Held>();

  const keyOf = ({ epoch, session }: RelayName, serial: number): string => `${epoch}/${session}/${serial}`;

  return {
    async reduce(relay, order, payload) {
      const { jobId, round, serial, leaseId: _, ...contribution } = order;
      const key = keyOf(relay, serial);
      const current = held.get(jobId);
      if (current === undefined || current.key !== key) held.set(jobId, { key, serial, units: new Set() });
      const outcome = await trainer.reduceAtEdge({ jobId, key, ...contribution, payload });
      const sum = held.get(jobId);
      if (sum?.key !== key) {
        return { accepted: false, code: 'wrongRound', message: `Round ${round} was opened anew.` };
      }
      if (outcome.accepted) sum.units.add(order.unit);
      return outcome;
    },
    async collect({ jobId, units, weight, ...relay }) {
      const key = keyOf(relay, relay.serial);
      const sum = held.get(jobId);
      const isSame =
        sum?.key === key && sum.units.size === units.length && units.every((unit) => sum.units.has(unit));
      if (!isSame)
        throw new GradswarmError('conflict', `other units than the leader's are summed for ${jobId}`);
      return (await trainer.edgeSum({ jobId, key, weight })).bytes;
    },
  };
}
