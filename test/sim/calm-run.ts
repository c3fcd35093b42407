import type { JobSubmitted } from '../../server/core/commands.ts';
import type { WorkerNature } from './sim-worker.ts';
import { Simulation, type Story } from './simulation.ts';

/** What one coordinator and the first of the workers make of the job, through no fault: what others must end with. */
export function calmRun(job: JobSubmitted, workers: readonly WorkerNature[]): readonly Story[] {
  const options = { seed: 0, jobs: [job], workers: workers.slice(0, 1), size: 1, isTroubled: false };
  return new Simulation(options).run();
}
