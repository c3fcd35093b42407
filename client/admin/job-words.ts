import type { JobStatus } from '../../shared/protocol/services.ts';
import { formatDuration } from '../web/format.ts';
import type { JobAction } from './coordinator.ts';

const stateNames: Readonly<Record<string, string>> = {
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  cancelled: 'Cancelled',
  failed: 'Failed',
};

export function stateName(state: string): string {
  return stateNames[state] ?? state;
}

/** What may be asked of a job in this state. */
export function actionsIn(state: string): readonly JobAction[] {
  if (state === 'running') return ['pause', 'cancel'];
  return state === 'paused' ? ['resume', 'cancel'] : [];
}

export function timeLeft(job: Pick<JobStatus, 'state' | 'remainingMs' | 'runningMs'>): string {
  if (job.state !== 'running') return `ran ${formatDuration(job.runningMs)}`;
  return job.remainingMs < 0 ? 'time left not known yet' : `about ${formatDuration(job.remainingMs)} left`;
}
