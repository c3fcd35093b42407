import { describe, expect, it } from 'vitest';
import { asJobId } from '../../../../shared/base/ids.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId, submission } from './fixtures.ts';

const rules = {
  evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
  unitsPerRound: 1,
  stop: { rounds: 9 },
};
const twinId = asJobId('twin');

/** Two jobs that make the same blobs; the twin has stored round 0, and the coordinator has not heard of it. */
function twins(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ ...rules, checkpoint: { everyRounds: 1 } });
  bench.commit(submission({ ...rules, checkpoint: { everyRounds: 9 } }, 'twin'));
  bench.settle();
  bench.register('a');
  for (let lease = bench.lease('a', 0); lease?.round === 0; lease = bench.lease('a', 0)) {
    bench.finish('a', lease);
    bench.settle(({ kind }) => kind === 'storeRound');
  }
  return bench;
}

describe('the removal of a blob', () => {
  it('waits for a store that may be of the same bytes, and stores wait for it', () => {
    const bench = twins();
    const [ours, theirs] = [bench.take('storeRound')].flat();
    expect([ours?.jobId, theirs?.jobId]).toEqual([jobId, twinId]);
    const hashes = { aggregateHash: hashOf('a0'), parametersHash: hashOf('v1') };
    bench.post({ kind: 'roundStored', jobId, round: 0, ...hashes, finite: true });
    bench.settle();
    expect(bench.job.checkpoint?.version).toBe(1);
    expect(bench.take('removeBlobs')).toEqual([]);
    expect(bench.state.released).toEqual(new Set([hashOf('a0')]));

    bench.post({ kind: 'roundStored', jobId: twinId, round: 0, ...hashes, finite: true });
    expect(bench.state.released.size).toBe(0);
    expect(bench.take('removeBlobs')).toEqual([]);
    bench.settle();
    const twin = bench.state.replicated.jobs.get(twinId);
    expect(twin?.aggregates.map(({ aggregateHash }) => aggregateHash)).toEqual([hashOf('a0')]);
  });

  it('happens at once when nothing is being stored', () => {
    const bench = BenchCoordinator.withJob({ ...rules, checkpoint: { everyRounds: 1 } });
    bench.register('a');
    const lease = bench.lease('a');
    if (lease !== undefined) bench.finish('a', lease);
    bench.settle();
    expect(bench.take('removeBlobs')).toEqual([{ kind: 'removeBlobs', hashes: [hashOf('a0')] }]);
  });
});
