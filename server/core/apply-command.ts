import { assertNever } from '../../shared/base/assert.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import { applyToJob } from './apply-to-job.ts';
import { checkCommand, type Refusal } from './check-command.ts';
import type { Command } from './commands.ts';
import { createJobRecord } from './job-record.ts';
import type { ReplicatedState } from './replicated-state.ts';

export type ApplyOutcome =
  /** `released`: blobs that the job no longer names. */
  | { readonly applied: true; readonly released: readonly BlobHash[] }
  | ({ readonly applied: false } & Refusal);

/**
 * Applies one committed command. What the state does not allow (a lost race between two admins, a round of a job that
 * was cancelled meanwhile) changes nothing, on every coordinator alike.
 */
export function applyCommand(state: ReplicatedState, index: number, command: Command): ApplyOutcome {
  state.appliedIndex = index;
  const refusal = checkCommand(state, command);
  if (refusal !== undefined) return { applied: false, ...refusal };
  return { applied: true, released: mutate(state, command) };
}

function mutate(state: ReplicatedState, command: Command): readonly BlobHash[] {
  switch (command.kind) {
    case 'jobSubmitted':
      state.jobs.set(command.jobId, createJobRecord(command));
      return [];
    case 'jobStateChanged':
    case 'roundCommitted':
    case 'strategyChanged':
    case 'evaluationCommitted':
    case 'checkpointCommitted': {
      const job = state.jobs.get(command.jobId);
      return job === undefined ? [] : applyToJob(job, command);
    }
    case 'datasetRegistered':
      state.datasets.set(command.dataset.name, command.dataset);
      return [];
    case 'tokenCreated': {
      const { kind: _, ...token } = command;
      state.tokens.set(command.tokenId, token);
      return [];
    }
    case 'tokenRevoked':
      state.tokens.delete(command.tokenId);
      return [];
    default:
      return assertNever(command);
  }
}
