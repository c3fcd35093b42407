import { expect, it, onTestFinished } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { openThrottledUplink, type ThrottledUplink } from '../support/throttled-uplink.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { startGradswarm } from './support/processes.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 30;
const unitsPerRound = 4;
const coarse = 'topk/256/8';

const job: AuthoredJob = {
  name: 'undisturbed',
  // 17,411 parameters: 70 kB of float32, 3 kB of the coarse codec.
  model: { kind: 'mlp', hidden: [128, 128] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 1 },
  localSteps: { steps: 16, optimizer: { kind: 'sgd', learningRate: 0.003 } },
  unitsPerRound,
  batchSize: 256,
  codec: { up: ['float32', { kind: 'topk', k: 256, valueBits: 8 }], down: 'float32' },
  stop: { rounds },
  evaluation: { everyRounds: 15, samplesMax: 400 },
  seed: 5,
};

const throttled: AuthoredJob = {
  ...job,
  name: 'throttled',
  strategy: {
    kind: 'adaptive',
    strategies: [{ kind: 'parameterServerSynchronous' }],
    localSteps: { minimum: 16, maximum: 64 },
    everyRounds: 2,
    gainMin: 0.25,
  },
};

/** What `gradswarm job show --json` says, as far as it is looked at here. */
interface Shown {
  readonly accuracy: number;
  readonly unitsCounted: number;
  readonly plan: object;
  readonly planChanges: readonly { round: number; plan: string; by: string; reason: string }[];
  readonly history: readonly { readonly round: number; readonly trainingLoss?: number }[];
}

async function finish(coordinator: CoordinatorProcess, jobId: string): Promise<Shown> {
  await coordinator.untilStatus(jobId, ({ state }) => state === 'finished');
  const [shown] = (await coordinator.succeed('job', 'show', jobId)).lines;
  return shown as unknown as Shown;
}

/** Workers that reach the coordinator through uplinks of their own. */
async function startWorkers(coordinator: CoordinatorProcess): Promise<readonly ThrottledUplink[]> {
  const token = await coordinator.createToken('worker');
  const uplinks = await Promise.all([1, 2].map(() => openThrottledUplink(coordinator.url)));
  for (const uplink of uplinks) {
    onTestFinished(() => uplink.close());
    startGradswarm(['worker', '--json', '--url', uplink.url, '--backend', 'wasm'], {
      GRADSWARM_TOKEN: token,
    });
  }
  return uplinks;
}

/** Figures of a reason: kilobytes a second, and seconds of an upload before and after. */
function figuresOf(reason: string) {
  const found = /^uplink ([\d.]+) kB\/s, .*upload ([\d.]+) s, .* 2 workers: .* upload ([\d.]+) s/.exec(
    reason,
  );
  const [, uplink, before, after] = (found ?? []).map(Number);
  return { uplink: uplink ?? Number.NaN, before: before ?? Number.NaN, after: after ?? Number.NaN };
}

/** The loss of the rounds after `round` against what it fell by until then. */
function jumpAt({ history }: Shown, round: number): number {
  const losses = history.flatMap((point) => point.trainingLoss ?? []);
  const [before, after] = [losses.slice(0, round), losses.slice(round, round + 5)];
  const [first = Number.NaN, last = Number.NaN] = [before[0], before.at(-1)];
  return (Math.max(...after) - last) / (first - last);
}

it('changes codec and local steps when the uplinks are throttled midway, says why, and learns on', async () => {
  const coordinator = await startCoordinator({ logLevel: 'info' });
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(2_000));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  const uplinks = await startWorkers(coordinator);
  const throttle = (bytesPerSecond: number | undefined) => {
    for (const uplink of uplinks) uplink.throttle(bytesPerSecond);
  };
  await coordinator.submit(job);
  const undisturbed = await finish(coordinator, 'undisturbed');

  await coordinator.submit(throttled);
  const { version: free } = await coordinator.untilStatus('throttled', ({ version }) => version >= 8);
  throttle(40_000);
  await coordinator.untilStatus('throttled', ({ plan }) => plan.includes(coarse));
  throttle(4_000);
  await coordinator.untilStatus('throttled', ({ plan }) => plan.includes('64 local steps'));
  throttle(undefined);
  const shown = await finish(coordinator, 'throttled');

  const [first, ...others] = shown.planChanges;
  if (first === undefined) throw new Error('the plan was changed');
  expect(first).toMatchObject({ by: 'adaptive', plan: expect.stringContaining(coarse) });
  expect(first.round).toBeGreaterThan(free);
  const { uplink, before, after } = figuresOf(first.reason);
  // The worker's mean over eight uploads, of which at least one was slow.
  expect(uplink).toBeLessThan(8 * 40);
  expect(after).toBeLessThan(before / 5);
  // A second change: half as many uploads for the same steps.
  expect(others).toMatchObject([{ by: 'adaptive', plan: expect.stringContaining('64 local steps') }]);
  const { reason, round } = others[0] ?? first;
  expect(shown.plan).toMatchObject({ localSteps: 64, codecs: [coarse], by: 'adaptive', reason });
  for (const change of shown.planChanges) expect(coordinator.running.stderr()).toContain(change.reason);
  const { lines: workers } = await coordinator.succeed('workers');
  expect(workers.map(({ codec }) => codec)).toEqual([coarse, coarse]);

  for (const changed of [first.round, round]) expect(jumpAt(shown, changed)).toBeLessThan(0.05);
  expect(jumpAt(shown, rounds - 5)).toBeLessThan(0);
  expect(shown.unitsCounted).toBe(rounds * unitsPerRound);
  expect(Math.abs(shown.accuracy - undisturbed.accuracy)).toBeLessThanOrEqual(0.02);
});
