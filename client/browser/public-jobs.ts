import { limits } from '../../shared/base/limits.ts';
import type { PublicJob, PublicJobs } from '../../shared/job/public-job.ts';
import { coordinatorUrl } from '../../shared/protocol/coordinator-url.ts';

const states: readonly string[] = ['running', 'paused', 'finished', 'cancelled', 'failed'];

/** Reads the answer of `GET /v1/jobs`. @throws Error when it is not one, as from a proxy's error page. */
export function parsePublicJobs(answer: unknown): PublicJobs {
  if (!isRecord(answer) || !Array.isArray(answer['jobs'])) throw new Error('the answer has no list of jobs');
  const coordinators: unknown = answer['coordinatorUrls'];
  return {
    jobs: answer['jobs'].map(parseJob),
    isLeader: answer['isLeader'] !== false,
    leaderUrl: coordinatorUrl(text(answer, 'leaderUrl')) ?? null,
    coordinatorUrls: (Array.isArray(coordinators) ? coordinators : [])
      .slice(0, limits.coordinatorsMax)
      .flatMap((url) => coordinatorUrl(String(url)) ?? []),
  };
}

function parseJob(value: unknown): PublicJob {
  if (!isRecord(value)) throw new Error('a job is not an object');
  const state = text(value, 'state');
  if (!states.includes(state)) throw new Error(`a job has the unknown state ${JSON.stringify(state)}`);
  return {
    jobId: text(value, 'jobId'),
    title: text(value, 'title') || text(value, 'jobId'),
    description: text(value, 'description'),
    owner: text(value, 'owner'),
    state: state as PublicJob['state'],
    modelKind: text(value, 'modelKind'),
    dataset: text(value, 'dataset'),
    parameters: figure(value, 'parameters') ?? 0,
    allowAnonymous: value['allowAnonymous'] === true,
    round: figure(value, 'round') ?? 0,
    fractionDone: Math.min(1, Math.max(0, figure(value, 'fractionDone') ?? 0)),
    remainingMs: figure(value, 'remainingMs'),
    trainingLoss: figure(value, 'trainingLoss'),
    testLoss: figure(value, 'testLoss'),
    testAccuracy: figure(value, 'testAccuracy'),
    workers: figure(value, 'workers'),
    samplesPerSecond: figure(value, 'samplesPerSecond'),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function text(record: Readonly<Record<string, unknown>>, key: string): string {
  const value = record[key];
  return typeof value === 'string' ? value : '';
}

function figure(record: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = record[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
