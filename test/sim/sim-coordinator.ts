import { step } from '../../server/core/coordinator.ts';
import { type CoordinatorState, createCoordinatorState } from '../../server/core/coordinator-state.ts';
import type { CallRef, Effect, Event } from '../../server/core/events.ts';
import { referencedBlobs } from '../../server/core/replicated-state.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../../server/core/snapshot.ts';
import { createCheckpointStore } from '../../server/storage/checkpoint-store.ts';
import { createMemoryBlobStore } from '../../server/storage/memory-blob-store.ts';
import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { hashText, mixSeed } from '../../shared/base/random.ts';
import { checkAfterStep, checkDisk } from './checkers.ts';
import { SimLog } from './sim-log.ts';
import { SimTrainer } from './sim-trainer.ts';
import type { World } from './world.ts';

export type Answer = Extract<Effect, { readonly call: CallRef; readonly kind: `answer${string}` | 'refuse' }>;

const tickIntervalMs = 250;
const entriesPerSnapshot = 25;

/** The product's core in a shell of virtual time: it may crash between any two events and starts again from its disk. */
export class SimCoordinator {
  readonly blobs = createMemoryBlobStore();
  readonly log: SimLog;
  state: CoordinatorState = createCoordinatorState({ seed: 0 });
  isAlive = false;
  /** Set by the world: whether a store fails now, and how long the trainer's thread stalls. */
  storeFails: () => boolean = () => false;
  stallMs: () => number = () => 0;
  epoch = 0;
  /** Refusals by their code. */
  readonly refusals = new Map<ErrorCode, number>();
  /** Stores of this life that may have come to nothing; each leaves blobs until the next start. */
  storesGivenUp = 0;
  /** Hash of everything that happened. */
  trace = 0;
  life = 0;
  private trainer: SimTrainer | undefined;
  private snapshotText: string | undefined;
  private snapshotIndex = 0;
  private readonly calls = new Map<CallRef, (answer: Answer | undefined) => void>();
  private nextCall: CallRef = 1;

  private readonly world: World;

  constructor(world: World) {
    this.world = world;

    this.log = new SimLog(world, (event) => this.post(event));
  }

  start(): void {
    const { world } = this;
    assert(!this.isAlive, 'the coordinator is down before it starts');
    this.isAlive = true;
    this.life += 1;
    const replicated =
      this.snapshotText === undefined ? {} : { replicated: parseSnapshot(this.snapshotText) };
    this.state = createCoordinatorState({ seed: world.random.uint32(), ...replicated });
    this.trainer = new SimTrainer({
      world,
      stores: { blobs: this.blobs, checkpoints: createCheckpointStore(this.blobs) },
      jobOf: (jobId) => {
        const job = this.state.replicated.jobs.get(jobId);
        assert(job !== undefined, `job ${jobId} is known`);
        return job;
      },
      post: (event) => this.post(event),
      fails: () => this.storeFails(),
      stallMs: () => this.stallMs(),
    });
    for (let index = this.snapshotIndex + 1; index <= this.log.entries.length; index++) {
      this.post({ kind: 'committed', index, command: this.log.read(index) });
    }
    this.sweep();
    this.lead();
    this.tick(this.life);
  }

  /** Power failure: memory, calls and unsynced commands are gone. */
  crash(): void {
    this.isAlive = false;
    this.trainer?.kill();
    this.log.crash();
    const callers = [...this.calls.values()];
    this.calls.clear();
    for (const hearNothing of callers) hearNothing(undefined);
  }

  /** Loses an election, and wins the next one. */
  depose(): void {
    const { life } = this;
    this.post({ kind: 'lostLeadership' });
    this.log.fail(0);
    this.world.schedule(this.world.between(50, 1_000), () => {
      if (this.isAlive && this.life === life) this.lead();
    });
  }

  /** Opens a call; undefined when the coordinator is down. `hear` gets the answer, or undefined when it dies first. */
  call(makeEvent: (call: CallRef) => Event, hear: (answer: Answer | undefined) => void): CallRef | undefined {
    if (!this.isAlive) return undefined;
    const call = this.nextCall++;
    this.calls.set(call, hear);
    this.post(makeEvent(call));
    return call;
  }

  abandon(call: CallRef): void {
    if (this.calls.has(call)) this.post({ kind: 'callAbandoned', call });
  }

  get openCalls(): Pick<ReadonlyMap<CallRef, unknown>, 'size' | 'has'> {
    return this.calls;
  }

  published(jobId: JobId): { version: number; parametersHash: BlobHash; values: Float32Array } | undefined {
    return this.isAlive ? this.trainer?.published(jobId) : undefined;
  }

  post(event: Event): void {
    if (!this.isAlive) return;
    const effects = step(this.state, event, this.world.nowMs);
    const line = `${this.world.nowMs} ${event.kind}: ${effects.map(({ kind }) => kind).join(' ')}`;
    this.trace = mixSeed(this.trace, hashText(line));
    for (const effect of effects) this.execute(effect);
    if (event.kind === 'committed') this.takeSnapshot(event.index);
    checkAfterStep(this);
  }

  /** As the product does when it starts: what no command names was left behind by the last life. */
  private sweep(): void {
    const named = referencedBlobs(this.state.replicated);
    const isFresh = this.state.replicated.jobs.size === 0;
    for (const hash of isFresh ? [] : this.blobs.list()) if (!named.has(hash)) this.blobs.delete(hash);
    this.storesGivenUp = 0;
    checkDisk(this);
  }

  private lead(): void {
    this.epoch += 1;
    this.post({ kind: 'becameLeader', epoch: this.epoch });
  }

  private tick(life: number): void {
    this.world.schedule(tickIntervalMs, () => {
      if (!this.isAlive || this.life !== life) return;
      this.post({ kind: 'tick' });
      this.tick(life);
    });
  }

  private takeSnapshot(index: number): void {
    if (index - this.snapshotIndex < entriesPerSnapshot) return;
    this.snapshotText = JSON.stringify(toSnapshot(this.state.replicated));
    this.snapshotIndex = index;
  }

  private execute(effect: Effect): void {
    switch (effect.kind) {
      case 'answerRegistered':
      case 'answerLease':
      case 'answerAccepted':
      case 'answerCommitted':
      case 'refuse':
        this.answer(effect);
        return;
      case 'propose':
        this.log.propose(effect.command, effect.call);
        return;
      case 'removeBlobs':
        for (const hash of effect.hashes) this.blobs.delete(hash);
        checkDisk(this);
        return;
      case 'closeTrainer':
      case 'discardRound':
        this.storesGivenUp += 1;
        this.trainer?.execute(effect);
        return;
      case 'openTrainer':
      case 'reduce':
      case 'storeRound':
      case 'installRound':
      case 'storeCheckpoint':
        this.trainer?.execute(effect);
        return;
      case 'publishUpdate':
        assert(effect.version === effect.baseVersion + 1, 'published versions follow one another');
        return;
      case 'disconnect':
      case 'jobChanged':
      case 'log':
        return;
    }
  }

  private answer(effect: Answer): void {
    const hear = this.calls.get(effect.call);
    assert(
      hear !== undefined,
      `call ${effect.call} is answered once, not again by ${JSON.stringify(effect)}`,
    );
    this.calls.delete(effect.call);
    if (effect.kind === 'refuse') this.refusals.set(effect.code, (this.refusals.get(effect.code) ?? 0) + 1);
    hear(effect);
  }
}

export function parseSnapshot(text: string) {
  return fromSnapshot(JSON.parse(text) as Snapshot);
}
