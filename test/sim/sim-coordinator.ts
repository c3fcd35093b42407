import type { Command } from '../../server/core/commands.ts';
import { step as coreStep } from '../../server/core/coordinator.ts';
import { type CoordinatorState, createCoordinatorState } from '../../server/core/coordinator-state.ts';
import type { CallRef, Effect, Event } from '../../server/core/events.ts';
import type { ClusterConfiguration, NodeId } from '../../server/raft/cluster-configuration.ts';
import { type BlobDriver, createBlobDriver } from '../../server/runtime/blobs/blob-driver.ts';
import { createEventLoop, type EventLoop } from '../../server/runtime/event-loop.ts';
import { createCheckpointStore } from '../../server/storage/checkpoint-store.ts';
import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { BlobHash, JobId, WorkerId } from '../../shared/base/ids.ts';
import { hashText, mixSeed } from '../../shared/base/random.ts';
import { checkAfterStep } from './checkers.ts';
import { SimDisk } from './sim-disk.ts';
import { crashEdge, createSimEdge, isNotice, isRelayed, type SimEdge } from './sim-edge.ts';
import type { SimLog } from './sim-log.ts';
import type { SimMember } from './sim-member.ts';
import type { SimPeers } from './sim-peers.ts';
import type { RingLetter } from './sim-ring.ts';
import { SimRingMail, unitsOfSum } from './sim-ring-mail.ts';
import { SimTrainer } from './sim-trainer.ts';
import { formatSnapshot, parseSnapshot } from './snapshot-text.ts';
import type { World } from './world.ts';

export type Answer = Extract<Effect, { readonly call: CallRef; readonly kind: `answer${string}` | 'refuse' }>;

type MergeSum = Extract<Effect, { readonly kind: 'mergeSum' }>;

const tickIntervalMs = 250;
const entriesPerSnapshot = 12;

export interface SimCoordinatorOptions {
  readonly world: World;
  readonly id: NodeId;
  readonly log: SimLog;
  readonly peers: SimPeers;
  configuration(): ClusterConfiguration;
  /** The core, when it is a copy with a bug in it. */
  readonly step?: typeof coreStep;
  /** Absent where followers serve no workers. */
  readonly edges?: Map<NodeId, SimEdge>;
}

/** The product's core and blob driver in a shell of virtual time: it may crash between any two events. */
export class SimCoordinator {
  readonly id: NodeId;
  readonly blobs = new SimDisk();
  readonly member: SimMember;
  readonly edge: SimEdge | undefined;
  state: CoordinatorState = createCoordinatorState({ seed: 0 });
  isAlive = false;
  /** Set by the world: whether a store fails now, and how long the trainer's thread stalls. */
  storeFails: () => boolean = () => false;
  reduceFails: () => boolean = () => false;
  stallMs: () => number = () => 0;
  /** Refusals by their code. */
  readonly refusals = new Map<ErrorCode, number>();
  /** Hash of everything that happened. */
  trace = 0;
  life = 0;
  /** How often something of the kind happened, over all lives. */
  readonly counts = { followed: 0, opened: 0, hotStarts: 0, snapshots: 0, ringSums: 0, ringFailures: 0 };
  private trainer: SimTrainer | undefined;
  private driver: BlobDriver | undefined;
  private loop: EventLoop | undefined;
  private snapshotText: string | undefined;
  private snapshotIndex = 0;
  /** Commands with a caller whose blobs are on their way to a majority. */
  readonly securingCalls = new Set<CallRef>();
  private readonly mail = new SimRingMail();
  private readonly calls = new Map<CallRef, (answer: Answer | undefined) => void>();
  private nextCall: CallRef = 1;
  private eventsWaiting = 0;

  private readonly options: SimCoordinatorOptions;

  constructor(options: SimCoordinatorOptions) {
    this.options = options;
    this.id = options.id;
    this.member = options.log.join({
      name: options.id,
      post: (event) => this.post(event),
      copyState: () => parseSnapshot(formatSnapshot(this.state.replicated)),
      caughtUp: () => this.post({ kind: 'caughtUp', epoch: options.log.epoch, blobs: this.blobs.list() }),
    });
    options.peers.add(this);
    this.edge = options.edges && this.createEdge(options.edges);
  }

  start(): void {
    const { world, configuration, peers } = this.options;
    assert(!this.isAlive, 'the coordinator is down before it starts');
    this.isAlive = true;
    this.life += 1;
    this.eventsWaiting = 0;
    const { life } = this;
    const replicated =
      this.snapshotText === undefined ? {} : { replicated: parseSnapshot(this.snapshotText) };
    const state = createCoordinatorState({ seed: world.random.uint32(), ...replicated });
    this.state = state;
    this.trainer = this.createTrainer();
    const driver = createBlobDriver({
      self: this.id,
      configuration,
      state,
      blobs: this.blobs,
      peerBlobs: peers.blobsOf(this),
      timers: {
        nowMs: () => world.nowMs,
        after: (delayMs, task) => this.after(life, delayMs, task),
      },
      toLog: (command, call) => this.toLog(command, call),
      post: (event) => this.post(event),
      log: () => {},
    });
    this.driver = driver;
    this.loop = createEventLoop({
      step: (event, nowMs) => this.step(event, nowMs),
      execute: (effect) => this.execute(effect),
      afterStep: (event) => this.afterStep(event),
      now: () => world.nowMs,
      onFatal(error) {
        throw error;
      },
    });
    this.member.start(this.snapshotIndex);
    this.tick(life);
    this.edge?.follower.seek((delayMs, run) => this.after(life, delayMs, run));
  }

  /** Power failure: memory, calls and unsynced commands are gone. */
  crash(): void {
    this.isAlive = false;
    this.loop?.stop();
    this.trainer?.kill();
    this.driver?.close();
    this.member.crash();
    if (this.edge !== undefined) crashEdge(this.edge);
    this.securingCalls.clear();
    this.mail.clear();
    const callers = [...this.calls.values()];
    this.calls.clear();
    for (const hearNothing of callers) hearNothing(undefined);
  }

  /** While it is down its disk is replaced by an empty one. */
  wipe(): void {
    assert(!this.isAlive, 'a running coordinator keeps its disk');
    for (const hash of this.blobs.list()) this.blobs.destroy(hash, true);
    this.snapshotText = undefined;
    this.snapshotIndex = 0;
  }

  /** Opens a call; undefined when the coordinator is down. `hear` gets the answer, or undefined when it dies first. */
  call(makeEvent: (call: CallRef) => Event, hear: (answer: Answer | undefined) => void): CallRef | undefined {
    if (!this.isAlive) return undefined;
    const call = this.nextCall++;
    const { edge } = this;
    const event = edge?.follower.isOpen === true ? makeEvent(call) : undefined;
    if (event !== undefined && isRelayed(event)) edge?.follower.ask(call, event, hear);
    else this.open(call, makeEvent, hear);
    return call;
  }

  private open(
    call: CallRef,
    makeEvent: (call: CallRef) => Event,
    hear: (answer: Answer | undefined) => void,
  ): void {
    this.calls.set(call, hear);
    this.post(makeEvent(call));
  }

  /** What a worker tells. */
  hear(event: Event): void {
    if (this.isAlive && this.edge?.follower.isOpen === true && isNotice(event))
      this.edge.follower.tell(event);
    else this.post(event);
  }

  abandon(call: CallRef): void {
    if (this.edge?.follower.abandon(call) === true) return;
    if (this.calls.has(call)) this.post({ kind: 'callAbandoned', call });
  }

  watchRings(workerId: WorkerId, take: (letter: RingLetter) => void): void {
    if (this.isAlive) this.mail.watch(workerId, take);
  }

  relayRing(
    from: WorkerId,
    to: WorkerId | undefined,
    letter: Extract<RingLetter, { batch: Uint8Array }>,
  ): boolean {
    return this.isAlive && this.mail.relay(this.state, from, to, letter);
  }

  get openCalls(): Pick<ReadonlyMap<CallRef, unknown>, 'size' | 'has'> {
    return this.calls;
  }

  get leads(): boolean {
    return this.isAlive && this.state.epoch !== undefined;
  }

  get missing(): number {
    return this.driver?.missing ?? 0;
  }

  published(jobId: JobId): { version: number; parametersHash: BlobHash; values: Float32Array } | undefined {
    return this.isAlive ? this.trainer?.published(jobId) : undefined;
  }

  post(event: Event): void {
    if (!this.isAlive) return;
    this.eventsWaiting += 1;
    this.loop?.post(event);
  }

  storeForLeader(hash: BlobHash, bytes: Uint8Array, epoch: number): void {
    this.driver?.storeForLeader(hash, bytes, epoch);
  }

  readBlob(hash: BlobHash): Uint8Array {
    return this.blobs.get(hash);
  }

  /** An admin's upload. */
  keep(bytes: Uint8Array): void {
    this.post({ kind: 'blobStored', epoch: this.state.epoch ?? 0, hash: this.blobs.put(bytes) });
  }

  private createEdge(edges: Map<NodeId, SimEdge>): SimEdge {
    const { world, log, peers } = this.options;
    return createSimEdge({
      world,
      id: this.id,
      edges,
      state: () => this.state,
      isAlive: () => this.isAlive,
      leader: () => log.leader?.name,
      areConnected: (one, other) => peers.areConnected(one, other),
      call: (makeEvent, hear) => {
        if (this.isAlive) this.open(this.nextCall++, makeEvent, hear);
      },
      post: (event) => this.post(event),
      trainer: () => this.trainer,
    });
  }

  private createTrainer(): SimTrainer {
    const { world, log } = this.options;
    return new SimTrainer({
      world,
      log,
      stores: { blobs: this.blobs, checkpoints: createCheckpointStore(this.blobs) },
      jobOf: (jobId) => {
        const job = this.state.replicated.jobs.get(jobId);
        assert(job !== undefined, `job ${jobId} is known`);
        return job;
      },
      post: (event) => this.post(event),
      fails: () => this.storeFails(),
      reduceFails: () => this.reduceFails(),
      stallMs: () => this.stallMs(),
    });
  }

  private step(event: Event, nowMs: number): readonly Effect[] {
    this.eventsWaiting -= 1;
    if (event.kind === 'proposalFailed' && event.call !== undefined) this.securingCalls.delete(event.call);
    const { step = coreStep } = this.options;
    const effects = step(this.state, event, nowMs);
    const line = `${nowMs} ${event.kind}: ${effects.map(({ kind }) => kind).join(' ')}`;
    this.trace = mixSeed(this.trace, hashText(line));
    this.count(event);
    return effects;
  }

  private count({ kind }: Event): void {
    if (kind === 'roundFollowed') this.counts.followed += 1;
    if (kind === 'trainerOpened') this.counts.opened += 1;
    if (kind === 'snapshotLoaded') this.counts.snapshots += 1;
    if (kind !== 'becameLeader') return;
    for (const { isOpen } of this.state.runs.values()) if (isOpen) this.counts.hotStarts += 1;
  }

  private afterStep(event: Event): void {
    this.driver?.followEpoch();
    this.edge?.leader.followEpoch();
    if (event.kind === 'committed') this.takeSnapshot();
    if (event.kind === 'snapshotLoaded') this.keepSnapshot();
    // An event that waits may bring a call, which nobody holds yet.
    if (this.eventsWaiting === 0) checkAfterStep(this);
  }

  private after(life: number, delayMs: number, task: () => void): () => void {
    let isCancelled = false;
    this.options.world.schedule(delayMs, () => {
      if (this.isAlive && this.life === life && !isCancelled) task();
    });
    return () => {
      isCancelled = true;
    };
  }

  private tick(life: number): void {
    this.after(life, tickIntervalMs, () => {
      this.post({ kind: 'tick' });
      this.tick(life);
    });
  }

  private takeSnapshot(): void {
    if (this.member.deliveredIndex - this.snapshotIndex < entriesPerSnapshot) return;
    this.keepSnapshot();
    if (this.leads) this.options.log.compact(this.snapshotIndex);
  }

  private keepSnapshot(): void {
    this.snapshotText = formatSnapshot(this.state.replicated);
    this.snapshotIndex = this.member.deliveredIndex;
  }

  private execute(effect: Effect): void {
    if (this.driver?.execute(effect) === true || this.edge?.leader.execute(effect) === true) return;
    switch (effect.kind) {
      case 'answerRegistered':
      case 'answerLease':
      case 'answerAccepted':
      case 'answerCommitted':
      case 'refuse':
        this.answer(effect);
        return;
      case 'propose':
        this.propose(effect.command, effect.call);
        return;
      case 'tellRing':
        this.mail.tell(effect);
        return;
      case 'mergeSum':
        this.mergeSum(effect);
        return;
      case 'storeRound':
        if (effect.edge === undefined) this.trainer?.execute(effect);
        else this.edge?.leader.storeRound(effect);
        return;
      case 'openTrainer':
      case 'closeTrainer':
      case 'followRound':
      case 'reduce':
      case 'installRound':
      case 'discardRound':
      case 'storeCheckpoint':
        this.trainer?.execute(effect);
        return;
      case 'publishUpdate':
        assert(effect.version === effect.baseVersion + 1, 'published versions follow one another');
        return;
      case 'log':
        if (effect.message === 'ring epoch failed') this.counts.ringFailures += 1;
        return;
      case 'fatal':
        throw new Error(effect.message);
      default:
        return;
    }
  }

  private mergeSum(effect: MergeSum): void {
    const { runs } = this.state;
    const upload = runs.get(effect.jobId)?.round?.ring?.uploads.get(effect.workerId);
    if (upload?.hash !== undefined) this.counts.ringSums += 1;
    this.trainer?.execute(effect, { units: unitsOfSum(this.state, effect) });
  }

  private propose(command: Command, call: CallRef | undefined): void {
    if (call !== undefined) this.securingCalls.add(call);
    this.driver?.propose(command, call);
  }

  private toLog(command: Command, call: CallRef | undefined): void {
    if (call !== undefined) this.securingCalls.delete(call);
    this.member.propose(command, call);
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
