import { GradswarmError } from '../../../shared/base/errors.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { Contribution, PartialSum, ReduceOutcome } from '../ports.ts';
import { RoundSum } from './round-sum.ts';
import type { Reducers } from './sum/reducers.ts';

/** What a follower sums of one job for the leader: of the newest key only. */
export class EdgeSum {
  readonly #sum: RoundSum;
  #key = '';

  constructor(manifest: ParameterManifest, reducers?: Reducers) {
    this.#sum = new RoundSum(manifest, reducers);
  }

  add(key: string, contribution: Contribution): ReduceOutcome {
    if (key !== this.#key) {
      this.#sum.clear();
      this.#key = key;
    }
    return this.#sum.add(contribution);
  }

  /** @throws GradswarmError `conflict` for another sum than the leader has counted. */
  packed(key: string, weight: number): PartialSum {
    if (key === this.#key && weight === this.#sum.weight) return this.#sum.packed();
    throw new GradswarmError('conflict', 'another sum is kept here than the leader has counted');
  }
}
