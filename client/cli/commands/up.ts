import type { Command } from 'commander';
import { type Coordinator, startCoordinator } from '../../../server/main.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { asJobId, type JobId } from '../../../shared/base/ids.ts';
import { builtinJobs } from '../../../shared/job/builtin-jobs.ts';
import { onStopRequest } from '../../node/stop-request.ts';
import { importIntoCoordinator } from '../builtin-dataset.ts';
import { type CoordinatorFlags, coordinatorOptions, withCoordinatorOptions } from '../coordinator-options.ts';
import { type LocalWorkers, startLocalWorkers } from '../local-workers.ts';
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
  if (document === undefined) {
    const known = Object.keys(builtinJobs).join(', ');
    throw new GradswarmError('badRequest', `"${name}" is no built-in job; choose one of ${known}`, '--job');
  }
  const jobId = asJobId(document.name);
  if (coordinator.jobStatus(jobId) !== undefined) return jobId;
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

/** Resolves with the job's final state. */
function followJob(
  coordinator: Coordinator,
  jobId: JobId,
  output: Output,
  signal: AbortSignal,
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
      if (status.state !== 'running' && status.state !== 'paused') finish(status.state);
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
    output.object({ event: 'ended', job: jobId, state, reason: status?.stateReason });
    output.text(`The job ${jobId} is ${state}: ${status?.stateReason ?? ''}`);
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

async function up(flags: UpFlags): Promise<void> {
  const output = createOutput(flags.json === true);
  const stopping = new AbortController();
  const coordinator = await startCoordinator(
    await coordinatorOptions(flags, { GRADSWARM_LOG_LEVEL: 'warn' }),
  );
  let workers: LocalWorkers | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await workers?.stop();
    await coordinator.stop();
  };
  const removeHandler = onStopRequest(stop);
  try {
    const adminToken = await renewToken(coordinator, 'admin');
    const workerToken = await renewToken(coordinator, 'worker');
    showAddresses(coordinator, adminToken, output);
    const jobId = await ensureJob(coordinator, flags.job, output);
    workers = startLocalWorkers(
      flags.workers,
      {
        url: coordinator.url,
        token: workerToken,
        backend: flags.backend,
        certificateFile: coordinator.certificateFile,
      },
      (name, code) =>
        process.stderr.write(`The worker ${name} ended with code ${code}; its work is leased again.\n`),
    );
    const state = await followJob(coordinator, jobId, output, stopping.signal);
    if (state === 'stopped') return;
    await reportEnd(coordinator, jobId, state, output);
    if (flags.once === true) return;
    output.text('Serving on; press Ctrl-C to end.');
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
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
    .option('--job <name>', `built-in job: ${Object.keys(builtinJobs).join(', ')}`, 'mnist')
    .option('--workers <count>', 'local headless workers', wholeNumber('--workers', 0, 64), 1)
    .option('--backend <name>', 'of the local workers: auto, webgpu, tensorflow, wasm, cpu', 'auto')
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
