import type { RaftCore } from './core.ts';
import { runSeed } from './run-seed.ts';

export interface Catch {
  /** Worlds that it took, the one that caught it included; 0 when none did. */
  readonly seeds: number;
  readonly message: string;
}

/** Runs worlds over a core until one breaks. */
export function hunt(core: RaftCore, from: number, seedsMax: number, minutes: number): Catch {
  for (let count = 1; count <= seedsMax; count++) {
    const { failure } = runSeed(core, from + count - 1, minutes);
    if (failure !== undefined) return { seeds: count, message: failure.message };
  }
  return { seeds: 0, message: 'not caught' };
}
