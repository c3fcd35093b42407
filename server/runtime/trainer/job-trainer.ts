import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { mixSeed } from '../../../shared/base/random.ts';
import { createCodec } from '../../../shared/codec/codecs.ts';
import { createOptimizer } from '../../../shared/optim/optimizers.ts';
import { type OuterStepRules, outerStep } from '../../../shared/optim/outer-step.ts';
import type { TrainingState } from '../../../shared/optim/training-state.ts';
import { keepsVectors } from '../../../shared/sync/aggregators/aggregators.ts';
import { bytesOf } from '../../../shared/tensor/bytes.ts';
import { createManifest } from '../../../shared/tensor/manifest.ts';
import type {
  Contribution,
  FollowedRound,
  PartialSum,
  ReduceOutcome,
  StoredRound,
  TrainerJob,
} from '../ports.ts';
import { createVectorBlob } from '../vector-blob.ts';
import { outcomeOf } from './check-contribution.ts';
import { checkSum, checkSumValues } from './check-sum.ts';
import { type CustomAggregators, noAggregators } from './custom-aggregators.ts';
import { EdgeSum } from './edge-sum.ts';
import type { OpenRound } from './open-round.ts';
import { aggregateOwner, openState, readAggregate, type TrainerStores } from './open-state.ts';
import { parametersHashOf } from './parameters-hash.ts';
import { RoundSum } from './round-sum.ts';
import { RoundVectors } from './round-vectors.ts';

/** The version after the open round, computed and hashed, not yet current. */
interface Candidate {
  readonly state: TrainingState;
  readonly parametersHash: BlobHash;
  readonly finite: boolean;
}

/**
 * One job's tensors. Round r is open while the version is r: contributions are summed, `storeRound` closes the sum and
 * computes a candidate, then the round is either installed, which makes the candidate current, or discarded. A round
 * that another coordinator closed is followed from its aggregate.
 */
export class JobTrainer {
  readonly #job: TrainerJob;
  readonly #stores: TrainerStores;
  readonly #rules: OuterStepRules;
  readonly #open: OpenRound;
  readonly #edge: EdgeSum;
  #state: TrainingState;
  #spare: TrainingState;
  #parametersHash: BlobHash;
  #candidate: Candidate | undefined;

  /** @throws GradswarmError `notFound` or `corrupted`. */
  constructor(job: TrainerJob, stores: TrainerStores, customs: CustomAggregators = noAggregators) {
    const { tensors, optimizer: spec, downCodec: down, seed, aggregator } = job;
    const manifest = createManifest(tensors);
    this.#job = job;
    this.#stores = stores;
    this.#rules = {
      manifest,
      optimizer: createOptimizer(spec),
      spec,
      downCodec: createCodec(down, manifest),
      seed,
    };
    this.#open =
      aggregator !== undefined && keepsVectors(aggregator)
        ? new RoundVectors(manifest, aggregator, customs)
        : new RoundSum(manifest, stores.reducers);
    this.#edge = new EdgeSum(manifest, stores.reducers);
    const { state, spare, parametersHash } = openState(job, this.#rules, stores);
    this.#state = state;
    this.#spare = spare;
    this.#parametersHash = parametersHash;
  }

  get version(): number {
    return this.#state.version;
  }

  /** SHA-256 of the published vector. */
  get parametersHash(): BlobHash {
    return this.#parametersHash;
  }

  reduce(round: number, contribution: Contribution): ReduceOutcome {
    if (round !== this.version || this.#candidate !== undefined) return roundNotOpen(round);
    return this.#open.add(contribution);
  }

  /** What workers have summed. It is checked as a whole before any of it counts. */
  mergeSum(round: number, partial: PartialSum, hash: string, normMax: number): ReduceOutcome {
    if (round !== this.version || this.#candidate !== undefined) return roundNotOpen(round);
    return outcomeOf(() => {
      const norm = checkSum(this.#rules.manifest.length, partial, hash, normMax);
      this.#open.merge(partial);
      return norm;
    });
  }

  /** For the leader, which may be at another version by now. */
  reduceAtEdge(key: string, contribution: Contribution): ReduceOutcome {
    return this.#edge.add(key, contribution);
  }

  /** @throws GradswarmError `conflict`. */
  edgeSum(key: string, weight: number): PartialSum {
    return this.#edge.packed(key, weight);
  }

  /** What another coordinator has summed may have suffered on its way. */
  checkSum(partial: PartialSum, normMax: number): ReduceOutcome {
    return outcomeOf(() => checkSumValues(this.#rules.manifest.length, partial, normMax));
  }

  /** @throws GradswarmError `conflict`; `badRequest` or `wrongLength` for a partial sum. */
  storeRound(round: number, weight: number, partials: readonly PartialSum[] = []): StoredRound {
    this.#requireOpen(round);
    if (this.#candidate !== undefined) throw this.#conflict(`round ${round} is stored already`);
    for (const partial of partials) this.#open.merge(partial);
    const owner = aggregateOwner(this.#job.jobId, round);
    const { bytes, values: aggregate } = createVectorBlob(this.#rules.manifest.length, owner);
    this.#open.aggregate(weight, aggregate, mixSeed(this.#rules.seed, round));
    const aggregateHash = this.#stores.blobs.put(bytes);
    const { state, update, finite } = outerStep(this.#rules, this.#state, aggregate, this.#spare);
    const parametersHash = parametersHashOf(state.published);
    this.#candidate = { state, parametersHash, finite };
    return { aggregateHash, parametersHash, finite, delta: update };
  }

  /** @throws GradswarmError `conflict`. */
  installRound(round: number): void {
    this.#requireOpen(round);
    const candidate = this.#candidate;
    if (candidate === undefined) throw this.#conflict(`round ${round} is not stored`);
    if (!candidate.finite) throw this.#conflict(`round ${round} has diverged and cannot be installed`);
    this.#spare = this.#state;
    this.#state = candidate.state;
    this.#parametersHash = candidate.parametersHash;
    this.#startRound();
  }

  /** Nothing is left of any other round than the open one, so to discard it changes nothing. */
  discardRound(round: number): void {
    if (round === this.version) this.#startRound();
  }

  /**
   * Another coordinator's round. What this one has of it is void.
   * @throws GradswarmError `conflict`, `notFound` or `corrupted`: then nothing has changed.
   */
  followRound(round: number, aggregateHash: BlobHash): FollowedRound {
    this.#requireOpen(round);
    const aggregate = readAggregate(this.#job, this.#rules, this.#stores, round, aggregateHash);
    // A candidate lives in the spare's vectors.
    this.#candidate = undefined;
    this.#open.release();
    const { state, update: delta } = outerStep(this.#rules, this.#state, aggregate, this.#spare);
    this.#spare = this.#state;
    this.#state = state;
    this.#parametersHash = parametersHashOf(state.published);
    return { version: this.version, parametersHash: this.#parametersHash, delta };
  }

  /** A copy of the published vector. */
  snapshot(): { version: number; parametersHash: BlobHash; bytes: Uint8Array } {
    const bytes = bytesOf(this.#state.published).slice();
    return { version: this.version, parametersHash: this.#parametersHash, bytes };
  }

  /** @throws GradswarmError `conflict`. */
  storeCheckpoint(version: number): { readonly manifestHash: BlobHash; readonly blobs: readonly BlobHash[] } {
    if (version !== this.version) throw this.#conflict(`version ${version} is not current`);
    const { jobId, tensors, optimizer } = this.#job;
    return this.#stores.checkpoints.save({ jobId, tensors, optimizer: optimizer.kind, state: this.#state });
  }

  #startRound(): void {
    this.#candidate = undefined;
    this.#open.clear();
  }

  #requireOpen(round: number): void {
    if (round !== this.version) throw this.#conflict(`round ${round} is not open`);
  }

  #conflict(what: string): GradswarmError {
    return new GradswarmError('conflict', `Job ${this.#job.jobId} is at version ${this.version}: ${what}.`);
  }
}

function roundNotOpen(round: number): ReduceOutcome {
  return { accepted: false, code: 'wrongRound', message: `Round ${round} is not open.` };
}
