import { type Command, Option } from 'commander';
import type { Coordinator } from '../../../server/main.ts';
import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { asJobId, type JobId } from '../../../shared/base/ids.ts';
import { builtinJobs } from '../../../shared/job/builtin-jobs.ts';
import { onStopRequest } from '../../node/stop-request.ts';
import { engineChoices } from '../../worker/engine/engine.ts';
import { importIntoCoordinator } from '../builtin-dataset.ts';
import { type CoordinatorFlags, coordinatorOptions, withCoordinatorOptions } from '../coordinator-options.ts';
import { type LocalWorkers, startLocalWorkers, type WorkerEnd } from '../local-workers.ts';
import { formatPercent, wholeNumber } from '../numbers.ts';
import { createOutput, exitCodes, type Output } from '../output.ts';
import { createProgressView } from '../progress-view.ts';

interface UpFlags extends CoordinatorFlags {
  readonly job: string;
  readonly workers: number;
  readonly backend: string;
  readonly once?: boolean;
}

const tokenNames = { admin: 'gradswarm up: admin', worker: 'gradswarm up: local workers' } as const;

/** A fresh token in place of the one of the last start, whose text nobody can read again. */
async function renewToken(coordinator: Coordinator, role: 'admin' | 'worker'): Promise<string> {
  const name = tokenNames[role];
  const { token } = await coordinator.actions.createToken(name, role);
  const old = coordinator.tokens().filter((known) => known.name === name);
  for (const { tokenId } of old.slice(0, -1)) await coordinator.actions.revokeToken(tokenId);
  return token;
}

async function ensureJob(coordinator: Coordinator, name: string, output: Output): Promise<JobId> {
  const document = builtinJobs[name];
  assert(document !== undefined, 'the command line takes only the names of built-in jobs');
  const jobId = asJobId(document.name);
  const known = coordinator.jobStatus(jobId);
  if (known !== undefined) {
    output.text(
      `The job ${jobId} is in the data folder already: ${known.state}, ${known.version} rounds done.`,
    );
    if (known.state === 'paused') output.text(`It goes on with: gradswarm job resume ${jobId}`);
    return jobId;
  }
  if (!coordinator.hasDataset(document.dataset)) {
    output.text(`Importing the data set ${document.dataset} ...`);
    await importIntoCoordinator(document.dataset, coordinator.actions);
  }
  await coordinator.actions.submitJob(JSON.stringify(document));
  return jobId;
}

function showAddresses(coordinator: Coordinator, adminToken: string, output: Output): void {
  const contributorUrl = coordinator.url;
  const adminUrl = new URL('admin', coordinator.url).href;
  output.object({
    event: 'started',
    contributorUrl,
    adminUrl,
    adminToken,
    fingerprint: coordinator.fingerprint,
  });
  output.text(`
Contributors open    ${contributorUrl}
Admins open          ${adminUrl}
One-time admin token ${adminToken}
${coordinator.fingerprint === undefined ? '' : `TLS fingerprint      ${coordinator.fingerprint}\n`}`);
}

interface Following {
  readonly output: Output;
  /** Ends the following, not the job. */
  readonly signal: AbortSignal;
  /** A pause ends it too: nobody is there to resume the job. */
  readonly once: boolean;
}

/** Resolves with the state that the job ended in, or `stopped` by the signal. */
function followJob(
  coordinator: Coordinator,
  jobId: JobId,
  { output, signal, once }: Following,
): Promise<string> {
  const view = createProgressView(output);
  return new Promise((resolve) => {
    const finish = (state: string): void => {
      clearInterval(timer);
      view.end();
      resolve(state);
    };
    const look = (): void => {
      const status = coordinator.jobStatus(jobId);
      if (signal.aborted || status === undefined) {
        finish('stopped');
        return;
      }
      view.show({
        job: jobId,
        state: status.state,
        round: status.version,
        loss: status.progress.trainingLoss,
        accuracy: status.progress.testAccuracy,
        samplesPerSecond: status.progress.samplesPerSecond,
        workers: status.progress.workers,
        fractionDone: status.fractionDone,
        remainingMs: status.remainingMs,
      });
      const goesOn = status.state === 'running' || (status.state === 'paused' && !once);
      if (!goesOn) finish(status.state);
    };
    const timer = setInterval(look, 200);
    look();
  });
}

/** Writes the exports and prints what they are; the exit code says whether the job reached its goal. */
async function reportEnd(
  coordinator: Coordinator,
  jobId: JobId,
  state: string,
  output: Output,
): Promise<void> {
  const status = coordinator.jobStatus(jobId);
  if (state !== 'finished') {
    const reason = status?.stateReason ?? '';
    const remedy =
      state === 'paused'
        ? `start again without --once, then: gradswarm job resume ${jobId}`
        : 'to train it anew, choose an empty folder with --data';
    output.object({ event: 'ended', job: jobId, state, reason });
    output.text(`The job ${jobId} is ${state} (${reason}); ${remedy}.`);
    process.exitCode = exitCodes.failed;
    return;
  }
  const { directory, files, parametersHash, version } = await coordinator.actions.exportJob(jobId);
  const accuracy = status?.progress.testAccuracy;
  const { samples, runningMs } = status ?? {};
  output.object({
    event: 'finished',
    job: jobId,
    accuracy,
    parametersHash,
    version,
    directory,
    files,
    samples,
    runningMs,
  });
  output.text(`
The job ${jobId} is finished: ${status?.stateReason ?? ''}
Test accuracy        ${formatPercent(accuracy)}
Weights SHA-256      ${parametersHash}
Model                ${files.map((file) => `${directory}/${file}`).join('\n                     ')}
`);
}

function reportWorkerEnd({ worker, code, restarts }: WorkerEnd, output: Output): void {
  output.object({ event: 'workerEnded', worker, code, restarts });
  const how = code === null ? 'by a signal' : `with code ${code}`;
  const next = restarts ? 'it is started again' : 'it is not started again';
  if (!output.isJson) process.stderr.write(`The worker ${worker} ended ${how}; ${next}.\n`);
}

/** Imports, trains and reports, until the job has ended or the signal comes. */
async function train(
  coordinator: Coordinator,
  jobId: JobId,
  workers: LocalWorkers,
  following: Following,
): Promise<void> {
  const noWorkers = workers.lost.then(() => {
    if (following.once) throw new GradswarmError('unavailable', 'no local worker is left; see why above');
    return new Promise<never>(() => {});
  });
  const state = await Promise.race([followJob(coordinator, jobId, following), noWorkers]);
  if (state !== 'stopped') await reportEnd(coordinator, jobId, state, following.output);
}

async function up(flags: UpFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  const once = flags.once === true;
  const stopping = new AbortController();
  const { signal } = stopping;
  const options = await coordinatorOptions(flags, { GRADSWARM_LOG_LEVEL: 'warn' });
  const { startCoordinator } = await import('../../../server/main.ts');
  const coordinator = await startCoordinator(options);
  let workers: LocalWorkers | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await workers?.stop();
    await coordinator.stop();
  };
  const removeHandler = onStopRequest(stop);
  try {
    const adminToken = await renewToken(coordinator, 'admin');
    const token = await renewToken(coordinator, 'worker');
    showAddresses(coordinator, adminToken, output);
    const jobId = await ensureJob(coordinator, flags.job, output);
    const { url, certificateFile } = coordinator;
    const workerOptions = { url, token, backend: flags.backend, certificateFile };
    workers = startLocalWorkers(flags.workers, workerOptions, (end) => reportWorkerEnd(end, output));
    await train(coordinator, jobId, workers, { output, signal, once });
    if (once || signal.aborted) return;
    output.text('Serving on; press Ctrl-C to end.');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  } catch (error) {
    // What a stop interrupts fails for want of a coordinator.
    if (!signal.aborted) throw error;
  } finally {
    removeHandler();
    await stop();
  }
}

export function addUpCommand(program: Command): void {
  const command = program
    .command('up')
    .description('Coordinator, local workers and a built-in job, all on this machine.');
  withCoordinatorOptions(command)
    .addOption(new Option('--job <name>', 'built-in job').choices(Object.keys(builtinJobs)).default('mnist'))
    .option('--workers <count>', 'local headless workers', wholeNumber('--workers', 0, 64), 1)
    .addOption(new Option('--backend <name>', 'of the local workers').choices(engineChoices).default('auto'))
    .option('--once', 'end when the job has ended, instead of serving on')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm up
  gradswarm up --once --json
  gradswarm up --job moby --workers 2`,
    )
    .action(up);
}
