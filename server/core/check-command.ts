import { assertNever } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { AdaptiveSpec } from '../../shared/sync/strategy-spec.ts';
import type {
  Command,
  DatasetRegistered,
  JobState,
  JobStateChanged,
  JobSubmitted,
  StrategyChanged,
} from './commands.ts';
import { isFinal, type JobRecord } from './job-record.ts';
import type { ReplicatedState } from './replicated-state.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
}

const transitions: { readonly [From in JobState]: readonly JobState[] } = {
  running: ['paused', 'finished', 'cancelled', 'failed'],
  paused: ['running', 'cancelled', 'failed'],
  finished: [],
  cancelled: [],
  failed: [],
};

/** Why the state does not allow `command`; undefined when it does. */
export function checkCommand(state: ReplicatedState, command: Command): Refusal | undefined {
  switch (command.kind) {
    case 'jobSubmitted':
      return checkSubmission(state, command);
    case 'jobStateChanged':
      return checkJob(state, command, (job) => checkTransition(state, job, command));
    case 'roundCommitted':
      return checkJob(state, command, (job) =>
        job.state !== 'running' || command.round !== job.version
          ? conflict(
              `Job ${job.jobId} is ${job.state} at round ${job.version}, not running at round ${command.round}.`,
            )
          : undefined,
      );
    case 'strategyChanged':
      return checkJob(state, command, (job) => checkPlan(job, command));
    case 'evaluationCommitted':
      return checkJob(state, command, (job) =>
        job.state === 'running'
          ? checkAdvances(job, command.version, job.evaluation?.version)
          : conflict(`Job ${job.jobId} is ${job.state}.`),
      );
    case 'checkpointCommitted':
      return checkJob(state, command, (job) =>
        isFinal(job.state)
          ? conflict(`Job ${job.jobId} is ${job.state}.`)
          : checkAdvances(job, command.version, job.checkpoint?.version),
      );
    case 'datasetRegistered':
      return checkDataset(state, command);
    case 'tokenCreated':
      if (state.tokens.has(command.tokenId)) return conflict(`Token ${command.tokenId} exists already.`);
      return state.tokens.size >= limits.tokensMax
        ? conflict(`There are ${limits.tokensMax} tokens already; revoke some first.`)
        : undefined;
    case 'tokenRevoked':
      return checkRevocation(state, command.tokenId);
    default:
      return assertNever(command);
  }
}

const conflict = (message: string, field?: string): Refusal => ({
  code: 'conflict',
  message,
  ...(field === undefined ? {} : { field }),
});

function checkSubmission(state: ReplicatedState, { jobId, document }: JobSubmitted): Refusal | undefined {
  if (state.jobs.has(jobId))
    return conflict(`A job named ${jobId} exists already; choose another name.`, 'name');
  if (!state.datasets.has(document.dataset)) {
    const message = `No data set is named ${document.dataset}; import it first with "gradswarm dataset import".`;
    return { code: 'notFound', message, field: 'dataset' };
  }
  if (state.jobs.size >= limits.jobsMax) return conflict(`There are ${limits.jobsMax} jobs already.`);
  return checkRunningJobs(state);
}

function checkRunningJobs(state: ReplicatedState): Refusal | undefined {
  let running = 0;
  for (const job of state.jobs.values()) if (job.state === 'running') running += 1;
  return running >= limits.jobsRunningMax
    ? conflict(`${running} jobs are running, which is the maximum; pause or cancel one first.`)
    : undefined;
}

function checkJob(
  state: ReplicatedState,
  { jobId }: { readonly jobId: JobRecord['jobId'] },
  check: (job: JobRecord) => Refusal | undefined,
): Refusal | undefined {
  const job = state.jobs.get(jobId);
  return job === undefined ? { code: 'unknownJob', message: `No job is named ${jobId}.` } : check(job);
}

function checkTransition(
  state: ReplicatedState,
  job: JobRecord,
  command: JobStateChanged,
): Refusal | undefined {
  if (!transitions[job.state].includes(command.state)) {
    return conflict(`Job ${job.jobId} is ${job.state}; it cannot become ${command.state}.`, 'action');
  }
  return command.state === 'running' ? checkRunningJobs(state) : undefined;
}

/** What an admin has set meanwhile is not for the policy to change. */
function checkPlan({ jobId, state, plan }: JobRecord, command: StrategyChanged): Refusal | undefined {
  if (isFinal(state)) return conflict(`Job ${jobId} is ${state}.`);
  const isFitting = command.by === 'admin' || isSamePolicy(plan.adaptive, command.plan.adaptive);
  return isFitting ? undefined : conflict(`An admin has changed what job ${jobId} is run by.`);
}

/** A policy is handed on as it is, so its fields keep their order. */
function isSamePolicy(one: AdaptiveSpec | undefined, other: AdaptiveSpec | undefined): boolean {
  return one !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

function checkAdvances(job: JobRecord, version: number, newest: number | undefined): Refusal | undefined {
  const advances = version <= job.version && (newest === undefined || version > newest);
  return advances ? undefined : conflict(`Job ${job.jobId} has left version ${version} behind.`);
}

function checkDataset(state: ReplicatedState, { dataset }: DatasetRegistered): Refusal | undefined {
  const known = state.datasets.get(dataset.name);
  if (known !== undefined) {
    return JSON.stringify(known) === JSON.stringify(dataset)
      ? undefined
      : conflict(`A data set named ${dataset.name} holds other data; choose another name.`, 'name');
  }
  return state.datasets.size >= limits.datasetsMax
    ? conflict(`There are ${limits.datasetsMax} data sets already.`)
    : undefined;
}

function checkRevocation(state: ReplicatedState, tokenId: string): Refusal | undefined {
  const token = state.tokens.get(tokenId);
  if (token === undefined) return { code: 'notFound', message: `No token has the id ${tokenId}.` };
  if (token.role !== 'admin') return undefined;
  let admins = 0;
  for (const { role } of state.tokens.values()) if (role === 'admin') admins += 1;
  return admins > 1
    ? undefined
    : conflict('This is the last admin token; create another one before you revoke it.', 'token_id');
}
