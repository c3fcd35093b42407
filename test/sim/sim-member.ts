import type { Command } from '../../server/core/commands.ts';
import type { CallRef, Event } from '../../server/core/events.ts';
import type { ReplicatedState } from '../../server/core/replicated-state.ts';
import type { SimLog } from './sim-log.ts';
import type { World } from './world.ts';

export interface SimProposal {
  readonly text: string;
  readonly call: CallRef | undefined;
  /** In which its proposer believed to lead. */
  readonly epoch: number;
  /** When its disk has it. */
  readonly syncedAtMs: number;
}

export interface SimMemberOwner {
  readonly name: string;
  post(event: Event): void;
  /** The state as it is, for a member that is too far behind. */
  copyState(): ReplicatedState;
  /** Everything that was committed before it started has been delivered. */
  caughtUp(): void;
}

const retryMs = 40;

/** One coordinator's end of the log. */
export class SimMember {
  isAlive = false;
  /** Commands with a caller that are neither delivered nor failed. */
  readonly calls = new Set<CallRef>();
  deliveredIndex = 0;
  /** Extra time that an entry takes to get here. */
  lagMs: () => number = () => 0;
  private pending: SimProposal[] = [];
  /** Proposals of this life that it has not heard of. */
  private readonly waiting = new Set<SimProposal>();
  private life = 0;
  private failsUntilMs = 0;
  private isPumping = false;
  private pastIndex: number | undefined;
  private believedEpoch: number | undefined;
  private election: { readonly index: number; readonly epoch: number } | undefined;

  private readonly world: World;
  private readonly log: SimLog;
  private readonly owner: SimMemberOwner;

  constructor(world: World, log: SimLog, owner: SimMemberOwner) {
    this.world = world;
    this.log = log;
    this.owner = owner;
  }

  get name(): string {
    return this.owner.name;
  }

  /** It was elected in this life, and not deposed since. */
  get isElected(): boolean {
    const { epoch } = this.log;
    return this.isAlive && (this.believedEpoch === epoch || this.election?.epoch === epoch);
  }

  get mayLead(): boolean {
    return this.isAlive && this.deliveredIndex >= this.log.compactedIndex;
  }

  /** Begins after what its disk has as a snapshot. */
  start(index: number): void {
    this.isAlive = true;
    this.deliveredIndex = index;
    this.pastIndex = this.log.entries.length;
    this.pump();
    this.arrive();
  }

  /** The power fails. What it proposed may be on other disks. */
  crash(): void {
    this.isAlive = false;
    this.life += 1;
    this.waiting.clear();
    this.calls.clear();
    this.isPumping = false;
    this.believedEpoch = undefined;
    this.election = undefined;
  }

  propose(command: Command, call: CallRef | undefined): void {
    const { world } = this;
    const before = this.pending.at(-1)?.syncedAtMs ?? world.nowMs;
    const syncedAtMs = Math.max(before, world.nowMs) + world.between(0.5, 15);
    const proposal = { text: JSON.stringify(command), call, epoch: this.believedEpoch ?? -1, syncedAtMs };
    if (call !== undefined) this.calls.add(call);
    this.waiting.add(proposal);
    this.pending.push(proposal);
    this.later(syncedAtMs - world.nowMs, () => this.sync());
  }

  takePending(): readonly SimProposal[] {
    const taken = this.pending;
    this.pending = [];
    return taken;
  }

  /** What is not committed is refused, and what is proposed in the next `spanMs`. */
  fail(spanMs: number): void {
    this.failsUntilMs = this.world.nowMs + spanMs;
    for (const proposal of this.takePending()) this.refuse(proposal);
  }

  learnOfLoss(withinMs: number): void {
    if (withinMs === 0) this.lose();
    else this.later(this.world.between(0, withinMs), () => this.lose());
  }

  lead(index: number, epoch: number): void {
    this.election = { index, epoch };
    this.arrive();
  }

  /** Entries come one after the other, each after a while. */
  pump(): void {
    if (!this.isAlive || this.isPumping || this.deliveredIndex >= this.log.entries.length) return;
    this.isPumping = true;
    const isCatchingUp = this.pastIndex !== undefined;
    this.later(isCatchingUp ? 1 : this.world.between(0.1, 10) + this.lagMs(), () => {
      this.isPumping = false;
      const isDelivered = !this.log.isolated.has(this) && this.deliver(isCatchingUp ? 20 : 1);
      if (isDelivered) this.pump();
      else this.later(retryMs, () => this.pump());
    });
  }

  /** False when what comes next is to be had from nobody now. */
  private deliver(count: number): boolean {
    const { life } = this;
    for (let left = count; left > 0 && this.deliveredIndex < this.log.entries.length; left--) {
      if (this.deliveredIndex < this.log.compactedIndex && !this.takeSnapshot()) return false;
      else if (this.deliveredIndex < this.log.entries.length) this.deliverEntry();
      if (life !== this.life) return true;
    }
    this.arrive();
    return true;
  }

  private takeSnapshot(): boolean {
    const { leader, epoch } = this.log;
    if (leader === undefined || leader === this || !leader.isAlive || !this.log.areConnected(leader, this)) {
      return false;
    }
    if (leader.deliveredIndex <= this.deliveredIndex) return false;
    this.deliveredIndex = leader.deliveredIndex;
    this.owner.post({ kind: 'snapshotLoaded', epoch, replicated: leader.owner.copyState() });
    return true;
  }

  private deliverEntry(): void {
    const entry = this.log.entries[this.deliveredIndex];
    if (entry === undefined) return;
    this.deliveredIndex += 1;
    const { epoch, text, proposal } = entry;
    const call = this.waiting.delete(proposal) ? proposal.call : undefined;
    if (call !== undefined) this.calls.delete(call);
    const command = JSON.parse(text) as Command;
    const callField = call === undefined ? {} : { call };
    this.owner.post({ kind: 'committed', index: this.deliveredIndex, epoch, command, ...callField });
  }

  /** At the end of the past, or of what a new leader has to know. */
  private arrive(): void {
    if (!this.isAlive) return;
    if (this.pastIndex !== undefined && this.deliveredIndex >= this.pastIndex) {
      this.pastIndex = undefined;
      this.owner.caughtUp();
    }
    const { election } = this;
    if (election === undefined || this.pastIndex !== undefined || this.deliveredIndex < election.index)
      return;
    this.election = undefined;
    if (election.epoch !== this.log.epoch) return;
    this.believedEpoch = election.epoch;
    this.owner.post({ kind: 'becameLeader', epoch: election.epoch });
  }

  private lose(): void {
    this.believedEpoch = undefined;
    this.pending = [];
    this.owner.post({ kind: 'lostLeadership' });
    for (const proposal of [...this.waiting]) this.refuse(proposal);
  }

  private refuse(proposal: SimProposal): void {
    if (!this.waiting.delete(proposal)) return;
    const { text, call } = proposal;
    if (call !== undefined) this.calls.delete(call);
    const command = JSON.parse(text) as Command;
    const callField = call === undefined ? {} : { call };
    const message = 'not committed';
    this.owner.post({ kind: 'proposalFailed', command, ...callField, code: 'unavailable', message });
  }

  private sync(): void {
    const { world, log } = this;
    const [proposal] = this.pending;
    if (proposal === undefined || proposal.syncedAtMs > world.nowMs) return;
    if (world.nowMs < this.failsUntilMs || proposal.epoch === -1) {
      this.pending.shift();
      this.refuse(proposal);
      this.sync();
    } else if (log.leader === this && log.epoch === proposal.epoch) {
      if (!log.hasQuorum(this)) {
        this.later(retryMs, () => this.sync());
        return;
      }
      this.pending.shift();
      log.commit(proposal);
      this.sync();
    }
  }

  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.world.schedule(delayMs, () => {
      if (life === this.life && this.isAlive) run();
    });
  }
}
