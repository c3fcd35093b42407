import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../../../../server/runtime/command-codec.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { mixSeed } from '../../../../shared/base/random.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId } from './fixtures.ts';

const neverEvaluated = { everyRounds: 9, samplesMax: 0, batchSize: 1 };

describe('a job from submission to its end', () => {
  it('evaluates, trains, checkpoints and finishes by its stop rule', () => {
    const bench = BenchCoordinator.withJob();
    bench.register('a');
    const done = bench.work('a');

    const told = done.map(({ kind, version, unit }) => `${kind} ${version}.${unit}`);
    const evaluation = (version: number) => [0, 1, 2].map((unit) => `evaluate ${version}.${unit}`);
    const training = (version: number) => [0, 1, 2, 3].map((unit) => `train ${version}.${unit}`);
    expect(told).toEqual([
      ...evaluation(0),
      ...training(0),
      ...training(1),
      ...evaluation(2),
      ...training(2),
      ...evaluation(3),
    ]);
    expect(bench.job).toMatchObject({
      state: 'finished',
      stateReason: 'All 3 rounds are done.',
      version: 3,
      parametersHash: hashOf('v3'),
      samplePosition: 3 * 4 * 8,
      unitsCounted: 12,
      evaluation: { version: 3, loss: 2, accuracy: 0.5, samples: 10 },
      checkpoint: { version: 3 },
      aggregates: [],
      determinismClasses: ['cpu/1'],
    });
    expect(bench.state.runs.size).toBe(0);
    expect(bench.take('closeTrainer')).toHaveLength(1);
  });

  it('gives every unit its samples and its seed', () => {
    const bench = BenchCoordinator.withJob();
    bench.register('a');
    const training = bench.work('a').filter(({ kind }) => kind === 'train');
    expect(training.map(({ sampleStart }) => sampleStart)).toEqual([...Array(12).keys()].map((i) => i * 8));
    expect(training.every(({ sampleCount }) => sampleCount === 8)).toBe(true);
    expect(training.map(({ seed }) => seed)).toEqual(
      [0, 1, 2].flatMap((round) => [0, 1, 2, 3].map((unit) => mixSeed(7, round, unit))),
    );
  });

  it('installs and publishes a round only after it is committed', () => {
    const bench = BenchCoordinator.withJob({ evaluation: neverEvaluated });
    bench.register('a');
    for (let unit = 0; unit < 4; unit++) {
      const lease = bench.lease('a');
      if (lease !== undefined) bench.finish('a', lease);
    }
    const [reduced] = [bench.take('reduce')];
    expect(reduced.map(({ unit }) => unit)).toEqual([0, 1, 2, 3]);
    for (const { jobId, round, unit, leaseId } of reduced) {
      const outcome = { accepted: true, norm: 1 } as const;
      bench.post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
    }
    expect(bench.take('storeRound')).toEqual([{ kind: 'storeRound', jobId, round: 0, weight: 4 }]);
    const stored = { aggregateHash: hashOf('a0'), parametersHash: hashOf('v1') };
    bench.post({ kind: 'roundStored', jobId, round: 0, ...stored, finite: true });
    const [proposal] = bench.take('propose');
    expect(proposal?.command).toMatchObject({ kind: 'roundCommitted', round: 0, units: 4, samples: 32 });
    expect(bench.take('installRound')).toEqual([]);
    if (proposal !== undefined) bench.commit(proposal.command);
    const kinds = bench.effects.map(({ kind }) => kind);
    expect(kinds.indexOf('installRound')).toBeLessThan(kinds.indexOf('publishUpdate'));
  });

  it('names so many kinds of engines as a command can hold, whatever its workers claim', () => {
    const unitsPerRound = limits.unitsPerRoundMax;
    const bench = BenchCoordinator.withJob({
      unitsPerRound,
      evaluation: neverEvaluated,
      stop: { rounds: 1 },
    });
    bench.register('a');
    for (let unit = 0; unit < unitsPerRound; unit++) {
      const lease = bench.lease('a', 0);
      if (lease === undefined) throw new Error('Expected a lease.');
      const determinismClass = { engine: 'cpu', build: `${unit}`.padEnd(limits.textCharactersMax) };
      bench.post(bench.contribution('a', lease, { determinismClass }));
      bench.settle(({ kind }) => kind === 'propose');
    }
    const [proposal] = bench.take('propose');
    if (proposal === undefined) throw new Error('Expected a round.');
    expect(encodeCommand(proposal.command).length).toBeLessThan(limits.commandBytesMax);
  });
});
