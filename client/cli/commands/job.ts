import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { builtinJobs } from '../../../shared/job/builtin-jobs.ts';
import { adminService, type JobStatus } from '../../../shared/protocol/services.ts';
import { type AdminOptions, openAdminFollower, withAdmin, withAdminOptions } from '../admin-client.ts';
import { jobPlan, planRows } from '../job-plan.ts';
import { formatCount, formatDuration, formatPercent } from '../numbers.ts';
import { createOutput, exitCodes, type Output } from '../output.ts';
import { watchToEnd } from '../watch-to-end.ts';

/** A job's status as a flat object, for tables and `--json`. */
export function jobRow(status: JobStatus): Record<string, unknown> {
  return {
    job: status.jobId,
    state: status.state,
    reason: status.stateReason,
    round: status.version,
    loss: status.progress?.trainingLoss,
    testLoss: status.progress?.testLoss,
    accuracy: status.progress?.testAccuracy,
    samplesPerSecond: status.progress?.samplesPerSecond,
    workers: status.progress?.workers,
    fractionDone: status.fractionDone,
    remainingMs: status.remainingMs,
    ringsDirect: status.ringsDirect,
    ringsRelayed: status.ringsRelayed,
    parameters: status.parameters,
    parametersHash: status.parametersHash,
  };
}

function readableRow(status: JobStatus): Record<string, unknown> {
  return {
    ...jobRow(status),
    loss: status.progress?.trainingLoss.toFixed(4) ?? '-',
    accuracy: formatPercent(status.progress?.testAccuracy),
    done: formatPercent(status.fractionDone),
    'time left': formatDuration(status.remainingMs),
    'samples/s': formatCount(status.progress?.samplesPerSecond ?? 0),
  };
}

const listColumns = [
  'job',
  'state',
  'round',
  'loss',
  'accuracy',
  'samples/s',
  'workers',
  'done',
  'time left',
];

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new GradswarmError('badRequest', `"${file}" is neither JSON nor a readable file`, 'document');
  }
}

function readDocument(nameOrFile: string): string {
  if (Object.hasOwn(builtinJobs, nameOrFile)) return JSON.stringify(builtinJobs[nameOrFile]);
  try {
    return readFileSync(nameOrFile === '-' ? 0 : nameOrFile, 'utf8');
  } catch {
    const known = Object.keys(builtinJobs).join(', ');
    throw new GradswarmError(
      'badRequest',
      `"${nameOrFile}" is neither a readable file nor a built-in job (${known})`,
      'job',
    );
  }
}

async function submit(nameOrFile: string, options: AdminOptions, output: Output): Promise<void> {
  const documentJson = readDocument(nameOrFile);
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.submitJob, { documentJson }),
  );
  output.object({ job: message.jobId, parameters: message.parameters });
  output.text(`Submitted ${message.jobId}: ${formatCount(message.parameters)} parameters.`);
}

async function list(options: AdminOptions, output: Output): Promise<void> {
  const { message } = await withAdmin(options, (client) => client.unary(adminService.method.listJobs, {}));
  output.table(listColumns, message.jobs.map(output.isJson ? jobRow : readableRow));
}

async function show(jobId: string, options: AdminOptions, output: Output): Promise<void> {
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.getJobStatus, { jobId }),
  );
  const { status, history, unitsCounted, documentJson, planChanges } = message;
  if (status === undefined) throw new GradswarmError('internal', 'the coordinator sent no status');
  const plan = jobPlan(message);
  const document = JSON.parse(documentJson) as unknown;
  const changes = planChanges.map(({ $typeName: _, ...change }) => change);
  output.object({ ...jobRow(status), unitsCounted, plan, planChanges: changes, history, document });
  const rows = [...Object.entries({ ...readableRow(status), unitsCounted }), ...(plan ? planRows(plan) : [])];
  for (const [key, value] of rows) output.text(`${key.padEnd(18)} ${String(value)}`);
}

async function control(jobId: string, action: string, options: AdminOptions, output: Output): Promise<void> {
  await withAdmin(options, (client) => client.unary(adminService.method.controlJob, { jobId, action }));
  output.object({ job: jobId, action });
  output.text(`${jobId}: ${action} done.`);
}

async function changeStrategy(
  jobId: string,
  document: string,
  options: AdminOptions,
  output: Output,
): Promise<void> {
  const documentJson = document.trimStart().startsWith('{') ? document : readText(document);
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.changeStrategy, { jobId, documentJson }),
  );
  output.object({ job: jobId, plan: message.plan });
  output.text(`${jobId}: rounds from here on are run by ${message.plan}.`);
}

async function exportJob(jobId: string, options: AdminOptions, output: Output): Promise<void> {
  const { message } = await withAdmin(options, (client) =>
    client.unary(adminService.method.exportJob, { jobId }),
  );
  const { directory, files, parametersHash, version } = message;
  output.object({ job: jobId, directory, files, parametersHash, version });
  output.text(`Version ${version}, weights SHA-256 ${parametersHash}`);
  for (const file of files) output.text(`${directory}/${file}`);
}

function showStatus(status: JobStatus, output: Output): void {
  output.object(jobRow(status));
  const { progress, state, version } = status;
  const loss = progress?.trainingLoss.toFixed(4);
  output.text(`${state}: round ${version}, loss ${loss}, accuracy ${formatPercent(progress?.testAccuracy)}`);
}

/** Follows a job to its end, under one leader after the other; fails when it ends other than `finished`. */
async function wait(jobId: string, options: AdminOptions, output: Output): Promise<void> {
  const last = await watchToEnd(openAdminFollower(options), jobId, (status) => showStatus(status, output));
  if (last.state === 'finished') return;
  output.text(`The job ended: ${last.stateReason}`);
  process.exitCode = exitCodes.failed;
}

export function addJobCommand(program: Command): void {
  const job = program
    .command('job')
    .description('Submit, watch and control jobs.')
    .addHelpText(
      'after',
      `
Examples:
  gradswarm job submit my-job.json
  gradswarm job wait my-job
  gradswarm job export my-job`,
    );
  const add = (
    usage: string,
    description: string,
    example: string,
    run: (name: string, options: AdminOptions, output: Output) => Promise<void>,
  ): void => {
    withAdminOptions(job.command(usage))
      .description(description)
      .addHelpText('after', `\nExample:\n  ${example}`)
      .action((...received: unknown[]) => {
        const [name, options] = usage.includes('<') ? received : ['', received[0]];
        const adminOptions = options as AdminOptions;
        return run(name as string, adminOptions, createOutput(adminOptions.json === true));
      });
  };
  const known = Object.keys(builtinJobs).join(', ');
  add(
    'submit <job>',
    `submit a job document: a JSON file, "-" for standard input, or a built-in job (${known})`,
    'gradswarm job submit my-job.json',
    submit,
  );
  add('list', 'list all jobs', 'gradswarm job list --json', (_, options, output) => list(options, output));
  add('show <job>', 'show one job with its history', 'gradswarm job show mnist', show);
  for (const action of ['pause', 'resume', 'cancel']) {
    add(`${action} <job>`, `${action} a job`, `gradswarm job ${action} mnist`, (name, options, output) =>
      control(name, action, options, output),
    );
  }
  addStrategyCommand(job);
  add('export <job>', 'write the model on the coordinator', 'gradswarm job export mnist', exportJob);
  add('wait <job>', 'follow a job until it ends', 'gradswarm job wait mnist', wait);
}

function addStrategyCommand(job: Command): void {
  withAdminOptions(job.command('strategy <job> <document>'))
    .description('change what the rounds of a job are run by, from the next round on')
    .addHelpText(
      'after',
      `
The document is JSON, a file or "-": a strategy as in a job document, or an object with some of strategy, localSteps and codec.

Examples:
  gradswarm job strategy mnist '{"kind": "parameterServerSynchronous", "quorum": 0.75}'
  gradswarm job strategy mnist '{"kind": "parameterServerAsynchronous", "buffer": 8, "stalenessMax": 4}'`,
    )
    .action((jobId: string, document: string, options: AdminOptions) =>
      changeStrategy(jobId, document, options, createOutput(options.json === true)),
    );
}
