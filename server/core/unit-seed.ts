import { mixSeed } from '../../shared/base/random.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import type { Lease } from './coordinator-state.ts';

/** What a unit draws by chance follows from this, whoever computes it and whoever decodes its update. */
export function unitSeed({ seed }: JobDocument, { round, unit }: Pick<Lease, 'round' | 'unit'>): number {
  return mixSeed(seed, round, unit);
}
