import { createNodeEngineHome } from '../../../client/node/engine-home.ts';
import { openEngine } from '../../../client/worker/engine/open-engine.ts';
import { codecText } from '../../../shared/codec/codec-spec.ts';
import { completeJobDocument } from '../../../shared/job/complete-job-document.ts';
import type { JobDocument } from '../../../shared/job/job-document.ts';
import { type Figure, median } from '../figure.ts';
import type { ConvergenceCase } from './convergence-case.ts';
import type { ConvergenceTable } from './convergence-cases.ts';
import { type ConvergenceResult, runConvergence } from './convergence-run.ts';
import { readMoby } from './text-data.ts';

const unitsPerRound = 8;
const batchSize = 4;
const context = 16;

const seeds = [1, 2, 3];

/** A nanoGPT of one block, small enough for a run of half a minute. */
function jobOf(row: ConvergenceCase, innerSteps: number, seed: number): JobDocument {
  return completeJobDocument({
    name: 'moby-convergence',
    model: { kind: 'gpt', layers: 1, heads: 4, width: 64, context },
    dataset: 'moby',
    loss: 'softmaxCrossEntropy',
    optimizer: row.outer,
    ...(row.localSteps === undefined ? {} : { localSteps: row.localSteps }),
    unitsPerRound,
    batchSize,
    codec: { up: [row.up], down: { kind: 'float32' } },
    stop: { rounds: innerSteps / (row.localSteps?.steps ?? 1) },
    evaluation: { everyRounds: 1, samplesMax: 1_024, batchSize: 128 },
    seed,
  });
}

/**
 * Validation loss and uplink bytes of every codec and strategy after equal tokens: one worker for each of the eight
 * units of a round, in one process, through the worker's unit runner and encoder and the coordinator's sum and step.
 */
export async function convergenceFigures(
  report: (figure: Figure) => void,
  table: ConvergenceTable,
): Promise<void> {
  const data = await readMoby();
  const engine = await openEngine('wasm', createNodeEngineHome());
  let base: readonly ConvergenceResult[] = [];
  for (const row of table.rows) {
    const results: ConvergenceResult[] = [];
    for (const seed of seeds) {
      results.push(await runConvergence(engine, data, jobOf(row, table.innerSteps, seed), row.flow));
    }
    if (row === table.baseline) base = results;
    for (const figure of figuresOf(row, table, results, base)) report(figure);
  }
  await engine.close();
}

function figuresOf(
  row: ConvergenceCase,
  { innerSteps, headline }: ConvergenceTable,
  results: readonly ConvergenceResult[],
  base: readonly ConvergenceResult[],
): Figure[] {
  const { parameters, rounds } = results[0] ?? { parameters: 0, rounds: 0 };
  const tokens = innerSteps * unitsPerRound * batchSize * context;
  const conditions = `${codecText(row.up)}, ${rounds} rounds, ${tokens} tokens, ${parameters} parameters, ${results.length} seeds`;
  const figure = (
    what: string,
    unit: string,
    runs: readonly number[],
    target?: Figure['target'],
  ): Figure => ({
    suite: 'convergence',
    figure: `${row.name}: ${what}`,
    value: median(runs),
    unit,
    runs,
    conditions,
    ...(target === undefined ? {} : { target }),
  });
  const losses = results.map(({ validationLoss }) => validationLoss);
  const gaps = losses.map((loss, seed) => loss - (base[seed]?.validationLoss ?? Number.NaN));
  const ratios = results.map(
    ({ uplinkBytes }, seed) => (base[seed]?.uplinkBytes ?? Number.NaN) / uplinkBytes,
  );
  const isHeadline = row === headline;
  return [
    figure('validation loss', 'nats', losses),
    figure(
      'loss over that of float32 each step',
      'nats',
      gaps,
      isHeadline ? { kind: 'atMost', value: 0.02 } : undefined,
    ),
    figure('uplink bytes saved', 'times', ratios, isHeadline ? { kind: 'atLeast', value: 4_000 } : undefined),
  ];
}
