import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Entry, ProposalId } from '../../../server/raft/entry.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Raft, RaftOutput, Snapshot } from '../../../server/raft/raft.ts';
import { assert } from '../../../shared/base/assert.ts';
import type { Random } from '../../../shared/base/random.ts';
import { CounterMachine } from './counter-machine.ts';
import { digestOf } from './digest.ts';
import type { Shadow } from './shadow.ts';
import type { DiskListener, SimDisk } from './sim-disk.ts';
import { tickMs } from './swarm-options.ts';
import type { World } from './world.ts';

/** Told once, when the state of its process has reached what it waits for. */
export interface Waiter {
  onApplied(index: number): void;
}

interface PendingRead {
  /** Committed anywhere when the read began. */
  readonly committedBefore: number;
  readonly onAnswer: (index: number | undefined) => void;
}

/** Where in the handling of an output a process dies. */
type CrashPoint = 'before sending' | 'after sending';

/**
 * One run of a coordinator, from its start to its next crash: the real member, a state machine with the real session
 * table, and the shell's duties between them in the order that `RaftOutput` demands.
 */
export class SimProcess implements DiskListener {
  readonly id: NodeId;
  readonly raft: Raft;
  readonly shadow: Shadow;
  readonly machine: CounterMachine;
  isAlive = true;
  isPaused = false;
  /** Dies at its next output, as a machine that loses its power does. */
  crashPoint: CrashPoint | undefined;

  private readonly world: World;
  private readonly disk: SimDisk;
  private readonly onCrash: () => void;
  private readonly tickMs: number;
  private readonly waiters = new Map<string, Waiter>();
  private readonly reads = new Map<number, PendingRead>();
  private configuration: ClusterConfiguration;
  /** What came while the process was stopped. */
  private backlog: (() => void)[] = [];

  constructor(
    world: World,
    id: NodeId,
    disk: SimDisk,
    initialConfiguration: ClusterConfiguration,
    isQuarantined: boolean,
    onCrash: () => void,
  ) {
    this.world = world;
    this.id = id;
    this.disk = disk;
    this.onCrash = onCrash;
    const random = world.random.fork(`process ${id} ${world.startCount++}`);
    this.tickMs = drawTickMs(random, world.options.faults.has('clockSkew'));
    const stored = disk.open(this, initialConfiguration);
    this.raft = world.createRaft(id, random, stored, isQuarantined);
    this.shadow = world.oracle.onStart(id, this.raft, disk, initialConfiguration, isQuarantined);
    this.machine = new CounterMachine(world.core, stored.snapshot?.bytes);
    this.configuration = stored.snapshot?.meta.configuration ?? initialConfiguration;
    world.queue.schedule(random.below(this.tickMs), this.onTick, undefined);
    this.drain();
  }

  pause(): void {
    this.isPaused = true;
  }

  /** Everything that waited comes at once, with the one tick that a timer makes up for. */
  resume(): void {
    this.isPaused = false;
    const { backlog } = this;
    this.backlog = [];
    for (const arrived of backlog) {
      if (!this.isAlive) return;
      arrived();
    }
  }

  /** The caller sees to the disk and to the next start. */
  kill(): void {
    this.isAlive = false;
    this.shadow.isAlive = false;
    this.backlog = [];
    this.disk.crash();
  }

  receive(message: Message): void {
    if (!this.isAlive) return;
    if (this.isPaused) return void this.backlog.push(() => this.receive(message));
    this.world.oracle.onDelivered(this.shadow, message);
    this.raft.step(message);
    this.drain();
  }

  /** Whether the member took it; `waiter` hears when it is applied here. */
  propose(bytes: Uint8Array, proposal: ProposalId, waiter: Waiter): ReturnType<Raft['propose']> {
    const result = this.raft.propose(bytes, proposal);
    if (result.kind === 'accepted') this.waiters.set(`${proposal.clientId} ${proposal.sequence}`, waiter);
    this.drain();
    return result;
  }

  read(onAnswer: (index: number | undefined) => void): void {
    const readId = this.world.nextReadId++;
    this.reads.set(readId, { committedBefore: this.world.oracle.commits.lastIndex, onAnswer });
    this.raft.read(readId);
    this.drain();
  }

  /** Runs what an operator asks of the member, and does what follows from it. */
  ask<T>(question: (raft: Raft) => T): T {
    const answer = question(this.raft);
    this.drain();
    return answer;
  }

  onDurable(outputs: readonly RaftOutput[]): void {
    if (!this.isAlive) return;
    if (this.isPaused) return void this.backlog.push(() => this.onDurable(outputs));
    for (const output of outputs) this.finish(output);
    this.drain();
  }

  onSyncError(): void {
    this.world.sightings.see('fsync error');
    this.onCrash();
  }

  /** For what comes over a socket: runs it now, or after the pause. */
  whenRunning(action: () => void): void {
    if (this.isPaused) this.backlog.push(action);
    else if (this.isAlive) action();
  }

  private readonly onTick = (): void => {
    if (!this.isAlive) return;
    if (this.isPaused) return void this.backlog.push(this.onTick);
    this.world.oracle.onTick(this.shadow);
    this.raft.tick();
    this.drain();
    this.world.queue.schedule(this.world.isTroubled ? this.tickMs : tickMs, this.onTick, undefined);
  };

  private drain(): void {
    while (this.isAlive) {
      const output = this.raft.takeOutput();
      if (output === undefined) return;
      this.handle(output);
    }
  }

  private handle(output: RaftOutput): void {
    const { world } = this;
    world.oracle.onOutput(this.shadow, output);
    world.trace.output(this.id, output);
    if (this.diesAt('before sending')) return;
    for (const message of output.messages) this.send(message);
    if (this.diesAt('after sending')) return;
    const { persist, messagesAfterPersist } = output;
    if (this.disk.isIdle && persist === undefined) this.finish(output);
    else if (persist !== undefined || messagesAfterPersist.length > 0) this.disk.write(output);
    if (output.installedSnapshot !== undefined) this.install(output.installedSnapshot);
    let snapshot: Snapshot | undefined;
    for (const entry of output.committed) {
      this.apply(entry);
      if (entry.index % world.options.snapshotEvery === 0) snapshot = this.takeSnapshot();
    }
    for (const { readId, index } of output.reads) this.onReadAnswer(readId, index);
    if (snapshot !== undefined) this.compact(snapshot);
  }

  private diesAt(point: CrashPoint): boolean {
    if (this.crashPoint !== point) return false;
    this.world.sightings.see(
      point === 'before sending' ? 'crash before a send' : 'crash between send and write',
    );
    this.onCrash();
    return true;
  }

  private finish({ sequence, messagesAfterPersist }: RaftOutput): void {
    this.raft.persisted(sequence);
    for (const message of messagesAfterPersist) this.send(message);
  }

  private send(message: Message): void {
    this.world.oracle.onSent(this.shadow, message);
    this.world.network.send(message);
  }

  private apply(entry: Entry): void {
    const { body, index } = entry;
    if (body.kind === 'configuration') {
      this.configuration = body.configuration;
      this.world.onConfigurationApplied(body.configuration);
    }
    const isFirst = this.machine.apply(entry);
    this.world.oracle.commits.onState(this.id, index, this.machine.hash);
    if (body.kind !== 'command') return;
    if (!isFirst) this.world.sightings.see('repeated command filtered');
    const key = `${body.proposal.clientId} ${body.proposal.sequence}`;
    const waiter = this.waiters.get(key);
    if (waiter === undefined) return;
    this.waiters.delete(key);
    waiter.onApplied(index);
  }

  private install({ meta, bytes }: Snapshot): void {
    this.world.sightings.see('snapshot installed');
    assert(digestOf(bytes) === meta.sha256, 'the snapshot arrived whole');
    this.machine.restore(bytes);
    this.configuration = meta.configuration;
    this.world.oracle.commits.onState(this.id, meta.index, this.machine.hash);
  }

  private takeSnapshot(): Snapshot {
    const { machine, world, configuration } = this;
    const { bytes, digest } = world.snapshots.encode(machine);
    const { index, term } = machine;
    return { meta: { index, term, configuration, totalBytes: bytes.length, sha256: digest }, bytes };
  }

  private compact(snapshot: Snapshot): void {
    this.world.sightings.see('snapshot made');
    this.raft.compact(snapshot, snapshot.meta.index - this.world.options.trailing + 1);
  }

  private onReadAnswer(readId: number, index: number | undefined): void {
    const read = this.reads.get(readId);
    this.reads.delete(readId);
    if (index !== undefined && read !== undefined) {
      this.world.oracle.commits.onRead(this.id, index, read.committedBefore);
    }
    read?.onAnswer(index);
  }
}

/** Clocks differ a little and, where the world knows of it, as much as those of machines with too much to do. */
function drawTickMs(random: Random, isSkewed: boolean): number {
  const factor = isSkewed ? ([0.7, 1, 1, 1.5, 2.5][random.below(5)] ?? 1) : 1;
  return Math.round(tickMs * factor) - 3 + random.below(7);
}
