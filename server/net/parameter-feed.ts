import type { JobId } from '../../shared/base/ids.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import type { Effect } from '../core/events.ts';
import { createBroadcast } from './broadcast.ts';
import { encodeUpdate } from './parameter-updates.ts';
import { createSnapshots } from './snapshots.ts';
import type { WorkerGatewayDeps } from './worker-ports.ts';

/** Parameters of running jobs for workers: snapshots for who joins, updates for who follows. */
export interface ParameterFeed {
  watch(jobId: JobId, signal: AbortSignal): AsyncIterable<EncodedReply>;
  snapshot(jobId: JobId): Promise<EncodedReply>;
  publish(effect: Extract<Effect, { kind: 'publishUpdate' }>): void;
  /** Ends the job's watches when it is over. */
  jobChanged(jobId: JobId): void;
}

export function createParameterFeed(
  { job, delta, snapshot }: Pick<WorkerGatewayDeps, 'job' | 'delta' | 'snapshot'>,
  checksum: Checksum,
): ParameterFeed {
  const broadcast = createBroadcast();
  const snapshots = createSnapshots(snapshot, checksum);

  const endWhenOver = (jobId: JobId): void => {
    const state = job(jobId)?.state;
    if (state === 'running' || state === 'paused') return;
    broadcast.end(jobId);
    snapshots.forget(jobId);
  };

  return {
    watch(jobId, signal) {
      const updates = broadcast.watch(jobId, signal);
      endWhenOver(jobId);
      return updates;
    },
    snapshot: (jobId) => snapshots.get(jobId),
    publish(effect) {
      const { jobId, version } = effect;
      snapshots.forget(jobId);
      if (broadcast.watchers(jobId) === 0) return;
      const down = job(jobId)?.document.codec.down;
      const codec = down === undefined ? '' : codecText(down);
      const { update, resync } = encodeUpdate(effect, codec, delta(jobId, version), checksum);
      broadcast.publish(jobId, update, resync);
    },
    jobChanged: endWhenOver,
  };
}
