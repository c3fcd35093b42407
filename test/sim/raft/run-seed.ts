import type { RaftCore } from './core.ts';
import type { Sightings } from './sightings.ts';
import { SimCluster } from './sim-cluster.ts';

const msPerMinute = 60_000;

export interface SeedResult {
  readonly seed: number;
  /** Equal for two runs that did the same. */
  readonly traceHash: number;
  readonly simulatedMs: number;
  readonly eventCount: number;
  readonly committedCount: number;
  readonly sightings: Sightings;
  readonly failure:
    | { readonly message: string; readonly atMs: number; readonly story: readonly string[] }
    | undefined;
}

/** One world, from its seed alone. */
export function runSeed(core: RaftCore, seed: number, minutes: number, isRecorded = false): SeedResult {
  const cluster = new SimCluster(core, seed, isRecorded);
  let failure: SeedResult['failure'];
  try {
    cluster.run(minutes * msPerMinute);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    failure = { message, atMs: cluster.queue.nowMs, story: cluster.trace.tail(80) };
  }
  const { queue, trace, sightings, oracle } = cluster;
  return {
    seed,
    traceHash: trace.hash >>> 0,
    simulatedMs: queue.nowMs,
    eventCount: queue.eventCount,
    committedCount: oracle.commits.lastIndex,
    sightings,
    failure,
  };
}
