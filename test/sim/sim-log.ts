import { applyCommand } from '../../server/core/apply-command.ts';
import type { Command, RoundCommitted, StrategyChanged } from '../../server/core/commands.ts';
import { createReplicatedState } from '../../server/core/replicated-state.ts';
import { assert } from '../../shared/base/assert.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { RoundPlan } from '../../shared/sync/round-plan.ts';
import { SimMember, type SimMemberOwner, type SimProposal } from './sim-member.ts';
import { SimRounds, type StoredUnits } from './sim-rounds.ts';
import type { World } from './world.ts';

export interface SimEntry {
  readonly epoch: number;
  /** The command as JSON. */
  readonly text: string;
  readonly proposal: SimProposal;
}

const watchIntervalMs = 100;
const trailingEntries = 2;

/**
 * A replicated log as its contract has it, without its own faults: one leader in an epoch, commits by a majority, old
 * leaders that do not know yet, proposals that survive their leader. Entry i has index i + 1.
 */
export class SimLog {
  readonly entries: SimEntry[] = [];
  readonly members: SimMember[] = [];
  /** Cut off from the others, but not from workers. */
  readonly isolated = new Set<SimMember>();
  leader: SimMember | undefined;
  epoch = 0;
  /** Entries up to here are only in snapshots. */
  compactedIndex = 0;
  /** Called when a command is decided, before anyone hears of it. */
  onCommit: (command: Command) => void = () => {};
  private readonly hashes = new Map<string, BlobHash>();
  /** What the log adds up to. */
  private readonly oracle = createReplicatedState();
  private readonly rounds = new SimRounds();
  private leaderlessSinceMs: number | undefined;
  private electionTimeoutMs = 0;

  private readonly world: World;

  constructor(world: World) {
    this.world = world;
    this.watch();
  }

  join(owner: SimMemberOwner): SimMember {
    const member = new SimMember(this.world, this, owner);
    this.members.push(member);
    return member;
  }

  read(index: number): Command {
    return JSON.parse(this.entries[index - 1]?.text ?? 'null') as Command;
  }

  /** What the log says of a version that a round made. */
  hashOf(jobId: JobId, version: number): BlobHash | undefined {
    return this.hashes.get(`${jobId} ${version}`);
  }

  /** A coordinator's trainer has closed a round over these units. */
  stored(round: StoredUnits): void {
    this.rounds.stored(round);
  }

  /** Units of the job's committed rounds. */
  unitsOf(jobId: JobId): number {
    return this.rounds.unitsOf(jobId);
  }

  commit(proposal: SimProposal): void {
    assert(proposal.epoch === this.epoch, 'only the leader of the newest epoch commits');
    this.append(proposal);
  }

  /** Members that can speak with `member`, itself included, are a majority. */
  hasQuorum(member: SimMember): boolean {
    const reached = this.members.filter(
      (other) => other === member || (other.isAlive && this.areConnected(member, other)),
    );
    return member.isAlive && 2 * reached.length > this.members.length;
  }

  areConnected(one: SimMember, other: SimMember): boolean {
    return one === other || !(this.isolated.has(one) || this.isolated.has(other));
  }

  /** What the former leader had proposed survives in part: whatever had reached the new one. */
  elect(member: SimMember): void {
    const former = this.leader;
    const pending = (former?.takePending() ?? []).filter(({ epoch }) => epoch === this.epoch);
    const survivors = pending.slice(0, this.world.random.below(pending.length + 1));
    for (const proposal of survivors) this.append(proposal);
    this.leader = member;
    this.epoch += 1;
    this.leaderlessSinceMs = undefined;
    former?.learnOfLoss(former === member ? 0 : this.isolated.has(former) ? 2_000 : 100);
    member.lead(this.entries.length, this.epoch);
  }

  compact(index: number): void {
    this.compactedIndex = Math.max(this.compactedIndex, index - trailingEntries);
  }

  private append(proposal: SimProposal): void {
    const { text, epoch } = proposal;
    this.entries.push({ epoch, text, proposal });
    const command = JSON.parse(text) as Command;
    const planBefore = 'jobId' in command ? this.oracle.jobs.get(command.jobId)?.plan : undefined;
    const { applied } = applyCommand(this.oracle, this.entries.length, command);
    if (command.kind === 'roundCommitted' && applied) this.learn(command);
    if (command.kind === 'strategyChanged' && applied) checkPlanChange(command, planBefore);
    this.onCommit(command);
    for (const member of this.members) member.pump();
  }

  private learn(command: RoundCommitted): void {
    const { jobId, round, parametersHash } = command;
    const job = this.oracle.jobs.get(jobId);
    assert(job !== undefined, `job ${jobId} of a round is known`);
    this.rounds.committed(job, command);
    const key = `${jobId} ${round + 1}`;
    assert(!this.hashes.has(key), `round ${round} of ${jobId} is committed once`);
    this.hashes.set(key, parametersHash);
  }

  private watch(): void {
    const { world, leader } = this;
    world.schedule(watchIntervalMs, () => this.watch());
    if (leader?.isElected === true && this.hasQuorum(leader)) {
      this.leaderlessSinceMs = undefined;
    } else if (this.leaderlessSinceMs === undefined) {
      this.leaderlessSinceMs = world.nowMs;
      this.electionTimeoutMs = world.between(0, 1_000);
    } else if (world.nowMs - this.leaderlessSinceMs >= this.electionTimeoutMs) {
      const candidates = this.members.filter((member) => member.mayLead && this.hasQuorum(member));
      const elected = candidates[world.random.below(Math.max(1, candidates.length))];
      if (elected !== undefined) this.elect(elected);
    }
  }
}

/** The policy says why, and gives way to an admin. */
function checkPlanChange({ by, reason }: StrategyChanged, before: RoundPlan | undefined): void {
  if (by !== 'adaptive') return;
  assert(before?.adaptive !== undefined, 'the policy changes only what an admin has left to it');
  assert(/^uplink .*predicted [\d.]+ times/.test(reason), `a choice has its reason: ${reason}`);
}
