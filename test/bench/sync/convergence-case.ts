import type { CodecSpec } from '../../../shared/codec/codec-spec.ts';
import type { LocalSteps } from '../../../shared/optim/local-steps.ts';
import type { OptimizerSpec } from '../../../shared/optim/optimizer-spec.ts';

/** Whose contributions a round counts, and from which version they are. */
export type Flow =
  | { readonly kind: 'all' }
  /** The slowest of a round's units come too late, each round others. */
  | { readonly kind: 'quorum'; readonly units: number }
  /** No barrier: a round closes after so many contributions of the eight workers, who began versions ago. */
  | { readonly kind: 'buffer'; readonly contributions: number };

/** One row of the table. */
export interface ConvergenceCase {
  readonly name: string;
  readonly up: CodecSpec;
  readonly outer: OptimizerSpec;
  /** Units are gradients when absent. */
  readonly localSteps?: LocalSteps;
  readonly flow: Flow;
}
