import { GradswarmError } from '../../shared/base/errors.ts';
import {
  asBlobHash,
  asJobId,
  type BlobHash,
  isBlobHash,
  isJobId,
  type JobId,
} from '../../shared/base/ids.ts';
import type { DatasetManifest } from '../../shared/data/dataset-manifest.ts';
import { type AuthoredJob, completeJobDocument } from '../../shared/job/complete-job-document.ts';
import type { LogCommand } from '../../shared/protocol/services.ts';
import { decodeTensors } from '../../shared/protocol/tensor-messages.ts';
import type { RoundPlan } from '../../shared/sync/round-plan.ts';
import type { TensorDeclaration } from '../../shared/tensor/manifest.ts';
import type { Command, JobState, Role } from '../core/commands.ts';

type Value<Case extends NonNullable<LogCommand['command']['case']>> = Extract<
  LogCommand['command'],
  { case: Case }
>['value'];

const jobStates: readonly string[] = [
  'running',
  'paused',
  'finished',
  'cancelled',
  'failed',
] satisfies JobState[];
const roles: readonly string[] = ['admin', 'worker', 'contributor'] satisfies Role[];

/** A command from its message. @throws GradswarmError `corrupted` for anything that `encodeCommand` does not write. */
export function readCommand(message: LogCommand): Command {
  const { command, atMs } = message;
  if (message.$unknown || command.value?.$unknown) {
    throw corrupted('a command has fields of a later version');
  }
  switch (command.case) {
    case 'jobSubmitted':
      return readJobSubmitted(command.value, atMs);
    case 'jobStateChanged': {
      const { jobId, state, reason, elapsedMs } = command.value;
      if (!jobStates.includes(state)) throw corrupted(`"${state}" is not a state of a job`);
      const checked = { jobId: readJobId(jobId), state: state as JobState, reason, ...given({ elapsedMs }) };
      return { kind: command.case, ...checked, atMs };
    }
    case 'roundCommitted':
      return readRoundCommitted(command.value, atMs);
    case 'strategyChanged': {
      const { jobId, planJson, by, reason } = command.value;
      if (by !== 'admin' && by !== 'adaptive') throw corrupted(`"${by}" changes no strategy`);
      const plan = readJson<RoundPlan>(planJson);
      return { kind: command.case, jobId: readJobId(jobId), plan, by, reason, atMs };
    }
    case 'evaluationCommitted': {
      const { jobId, version, loss, accuracy, samples } = command.value;
      const checked = { jobId: readJobId(jobId), version, loss, ...given({ accuracy }), samples };
      return { kind: command.case, ...checked, atMs };
    }
    case 'checkpointCommitted': {
      const { jobId, version, manifestHash, blobs } = command.value;
      const hashes = { manifestHash: readHash(manifestHash), blobs: blobs.map(readHash) };
      return { kind: command.case, jobId: readJobId(jobId), version, ...hashes, atMs };
    }
    case 'datasetRegistered':
      return { kind: command.case, dataset: readJson<DatasetManifest>(command.value.datasetJson), atMs };
    case 'tokenCreated': {
      const { tokenId, name, role, tokenHash } = command.value;
      if (!roles.includes(role)) throw corrupted(`"${role}" is not a role`);
      return { kind: command.case, tokenId, name, role: role as Role, tokenHash: readHash(tokenHash), atMs };
    }
    case 'tokenRevoked':
      return { kind: command.case, tokenId: command.value.tokenId, atMs };
    case undefined:
      throw corrupted('an empty command');
  }
}

function readJobSubmitted(value: Value<'jobSubmitted'>, atMs: number): Command {
  return {
    kind: 'jobSubmitted',
    jobId: readJobId(value.jobId),
    // Completed again: it may have been written before a field was.
    document: completeJobDocument(readJson<AuthoredJob>(value.documentJson)),
    dataset: readJson<DatasetManifest>(value.datasetJson),
    tensors: readTensors(value),
    manifestHash: readHash(value.manifestHash),
    initialParametersHash: readHash(value.initialParametersHash),
    ...given({ context: value.context }),
    atMs,
  };
}

function readTensors({ manifest }: Value<'jobSubmitted'>): TensorDeclaration[] {
  try {
    return decodeTensors(manifest);
  } catch (error) {
    throw corrupted(error instanceof Error ? error.message : 'a manifest');
  }
}

function readRoundCommitted(value: Value<'roundCommitted'>, atMs: number): Command {
  const { determinismClasses } = value;
  return {
    kind: 'roundCommitted',
    jobId: readJobId(value.jobId),
    round: value.round,
    aggregateHash: readHash(value.aggregateHash),
    parametersHash: readHash(value.parametersHash),
    units: value.units,
    ...given({ staleUnits: value.staleUnits }),
    samples: value.samples,
    ...given({ samplesTaken: value.samplesTaken }),
    trainingLoss: value.trainingLoss,
    ...given({ elapsedMs: value.elapsedMs }),
    ...(determinismClasses.length > 0 ? { determinismClasses } : {}),
    atMs,
  };
}

/** Leaves out what is absent, as the commands' optional fields ask. */
function given<Key extends string>(field: Record<Key, number | undefined>): { [K in Key]?: number } {
  const entries = Object.entries<number | undefined>(field).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in Key]?: number };
}

/** The document was checked before it was proposed, and the log's checksums hold since. */
function readJson<Document>(text: string): Document {
  try {
    return JSON.parse(text) as Document;
  } catch {
    throw corrupted('a document is not JSON');
  }
}

function readJobId(text: string): JobId {
  if (!isJobId(text)) throw corrupted(`"${text}" is not the id of a job`);
  return asJobId(text);
}

function readHash(text: string): BlobHash {
  if (!isBlobHash(text)) throw corrupted(`"${text}" is not a SHA-256`);
  return asBlobHash(text);
}

function corrupted(detail: string): GradswarmError {
  return new GradswarmError('corrupted', `the log holds what this version does not write: ${detail}`);
}
