import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { builtinJobs } from '../../shared/job/builtin-jobs.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { type Figure, median, type Suite } from './figure.ts';
import { type Grid, openGrid, openGridJob, samplesPerSecond } from './grid.ts';
import { openPlainProcess } from './plain-process.ts';

const suite = 'worker';
const runs = 3;
/** Of a comparison between processes that all run for long. */
const turns = 9;
const windowMs = 5_000;

function runScript(script: string, ...scriptArguments: readonly string[]): Record<string, number> {
  const file = join(import.meta.dirname, script);
  const output = execFileSync(process.execPath, ['--import', 'tsx', file, ...scriptArguments], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, number>;
}

/** The built-in job without evaluations and without an end, so that only training is measured. */
function endless(job: string, run: string): JobDocument {
  const document = builtinJobs[job];
  if (document === undefined) throw new Error(`no built-in job is called ${job}`);
  const rounds = 1_000_000;
  return {
    ...document,
    name: `${job}-${run}`,
    stop: { rounds },
    evaluation: { ...document.evaluation, everyRounds: rounds, samplesMax: document.evaluation.batchSize },
  };
}

function ratioFigure(figure: string, ratios: readonly number[], least: number, conditions: string): Figure {
  return {
    suite,
    figure,
    value: median(ratios),
    unit: 'ratio',
    target: { kind: 'atLeast', value: least },
    runs: ratios,
    conditions,
  };
}

/**
 * All processes are there from the start, and work in turn for some seconds: the speed of a shared machine drifts, and only
 * neighbouring windows are compared.
 */
async function compareGrid(job: string, grid: Grid, report: (figure: Figure) => void): Promise<void> {
  const plain = await openPlainProcess(job);
  const one = await openGridJob(grid, endless(job, 'one'), 1);
  const two = await openGridJob(grid, endless(job, 'two'), 2);
  const overPlain: number[] = [];
  const twoOverOne: number[] = [];
  const speeds: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const plainSpeed = await plain.samplesPerSecond(windowMs);
    const oneSpeed = await samplesPerSecond(one, windowMs);
    const twoSpeed = await samplesPerSecond(two, windowMs);
    speeds.push(oneSpeed);
    overPlain.push(oneSpeed / plainSpeed);
    twoOverOne.push(twoSpeed / oneSpeed);
  }
  await Promise.all([plain.close(), one.close(), two.close()]);
  const { unitsPerRound, batchSize } = endless(job, 'x');
  const conditions = `wasm, batch ${batchSize}, ${unitsPerRound} units a round, coordinator on the same two cores`;
  report(ratioFigure(`${job}: one worker through the grid over a plain loop`, overPlain, 0.95, conditions));
  report(ratioFigure(`${job}: two local workers over one`, twoOverOne, 1.7, conditions));
  report({
    suite,
    figure: `${job}: one worker through the grid`,
    value: median(speeds),
    unit: 'samples/s',
    runs: speeds,
    conditions,
  });
}

function compareKernels(
  figure: string,
  [job, batch]: readonly [string, number],
  [slow, slowSteps]: readonly [string, number],
  least: number,
): Figure {
  const ratios = Array.from({ length: runs }, () => {
    const slowMs =
      runScript('step-time.ts', job, slow, String(slowSteps), String(batch))['stepMs'] ?? Number.NaN;
    const ourMs = runScript('step-time.ts', job, 'wasm', '30', String(batch))['stepMs'] ?? Number.NaN;
    return slowMs / ourMs;
  });
  return ratioFigure(figure, ratios, least, 'forward and backward, Node, one thread');
}

export const workerSuite: Suite = async (report) => {
  report(
    compareKernels(
      'nanoGPT CPU size: our WASM kernels over stock 4.22',
      ['moby-nanogpt', 12],
      ['stock-wasm', 5],
      8,
    ),
  );
  report(compareKernels('mnist, batch 64: WASM over the CPU back end', ['mnist', 64], ['cpu', 3], 20));
  for (const job of ['mnist', 'moby']) {
    const grid = await openGrid(job);
    try {
      await compareGrid(job, grid, report);
    } finally {
      await grid.close();
    }
  }
};
