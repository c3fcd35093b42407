import { expect, it, onTestFinished } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { openThrottledUplink, type ThrottledUplink } from '../support/throttled-uplink.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { startGradswarm } from './support/processes.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 30;
const unitsPerRound = 4;
const [fine, coarse] = ['int8', 'topk/256/8'];

const job: AuthoredJob = {
  name: 'undisturbed',
  // 17,411 parameters: 70 kB of float32, 18 kB of int8, 3 kB of topk.
  model: { kind: 'mlp', hidden: [128, 128] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 1 },
  localSteps: { steps: 16, optimizer: { kind: 'sgd', learningRate: 0.003 } },
  unitsPerRound,
  batchSize: 256,
  codec: { up: ['float32', 'int8', { kind: 'topk', k: 256, valueBits: 8 }], down: 'float32' },
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

const show = async (coordinator: CoordinatorProcess, jobId: string): Promise<Shown> =>
  (await coordinator.succeed('job', 'show', jobId)).lines[0] as unknown as Shown;

async function finish(coordinator: CoordinatorProcess, jobId: string): Promise<Shown> {
  await coordinator.untilStatus(jobId, ({ state }) => state === 'finished');
  return show(coordinator, jobId);
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

it('changes codecs when the uplinks are throttled midway, and again when they get worse, says why, and learns on', async () => {
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
  throttle(150_000);
  await coordinator.untilStatus('throttled', ({ plan }) => plan.includes(fine));
  throttle(5_000);
  await coordinator.untilStatus('throttled', ({ plan }) => plan.includes(coarse));
  const { plan, planChanges } = await show(coordinator, 'throttled');
  const { lines: workers } = await coordinator.succeed('workers');
  throttle(undefined);
  const shown = await finish(coordinator, 'throttled');

  const [first, second] = planChanges;
  if (first === undefined || second === undefined) throw new Error('the plan was changed twice');
  expect(first).toMatchObject({ by: 'adaptive', plan: expect.stringContaining(`codec ${fine}`) });
  expect(first.round).toBeGreaterThan(free);
  expect(second).toMatchObject({ by: 'adaptive', plan: expect.stringContaining(`codec ${coarse}`) });
  const [once, twice] = [figuresOf(first.reason), figuresOf(second.reason)];
  // A worker's mean over eight uploads, of which at least one was slow.
  expect(once.uplink).toBeLessThan(8 * 150);
  expect(twice.uplink).toBeLessThan(8 * 5);
  expect(once.after).toBeLessThan(once.before / 3);
  expect(twice.after).toBeLessThan(twice.before / 3);
  for (const { reason } of shown.planChanges) expect(coordinator.running.stderr()).toContain(reason);
  expect(plan).toMatchObject({ codecs: [coarse], by: 'adaptive', reason: second.reason });
  expect(workers.map(({ codec }) => codec)).toEqual([coarse, coarse]);

  for (const { round } of shown.planChanges) expect(jumpAt(shown, round)).toBeLessThan(0.05);
  expect(jumpAt(shown, rounds - 5)).toBeLessThan(0);
  expect(shown.unitsCounted).toBe(rounds * unitsPerRound);
  expect(Math.abs(shown.accuracy - undisturbed.accuracy)).toBeLessThanOrEqual(0.02);
});
