import { GradswarmError } from '../../../shared/base/errors.ts';
import { isJoint, membersOf, type NodeId } from '../../raft/cluster-configuration.ts';
import type { Entry } from '../../raft/entry.ts';
import type { Accepted, RaftStatus } from '../../raft/raft.ts';

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface PendingMembership extends Pending {
  readonly index: number;
  readonly term: number;
}

interface PendingTransfer extends Pending {
  readonly to: NodeId;
  readonly term: number;
  ticksLeft: number;
}

/** What operators asked this member for as the leader. */
export class PendingChanges {
  #memberships: PendingMembership[] = [];
  #transfers: PendingTransfer[] = [];

  awaitMembership({ index, term }: Accepted): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#memberships.push({ index, term, resolve, reject });
    });
  }

  /** `ticks`: for the member that takes over to say so, after the old leader has let go. */
  awaitTransfer(to: NodeId, term: number, ticks: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#transfers.push({ to, term, ticksLeft: ticks, resolve, reject });
    });
  }

  /** A configuration is committed: the last one of every change that began before it, unless it is joint. */
  settleMembership({ index, term, body }: Entry): void {
    if (body.kind !== 'configuration' || isJoint(body.configuration)) return;
    this.#memberships = this.#memberships.filter((pending) => {
      if (pending.index > index || pending.term !== term) return true;
      pending.resolve();
      return false;
    });
  }

  tick(): void {
    for (const transfer of this.#transfers) transfer.ticksLeft -= 1;
  }

  /** Called after every change of the member. */
  update({ id, role, term, leader, transferTarget, configuration }: RaftStatus): void {
    // A leader that removed itself lets go when that is committed, a moment before it is applied here.
    const hasLeft = leader === undefined && !membersOf(configuration).includes(id);
    this.#memberships = this.#memberships.filter((pending) => {
      if ((role === 'leader' || hasLeft) && pending.term === term) return true;
      const remedy = 'look at the status of the cluster to see what became of the change';
      pending.reject(new GradswarmError('unavailable', `The leader has changed; ${remedy}.`));
      return false;
    });
    this.#transfers = this.#transfers.filter((transfer) => {
      const failure = transferFailure(transfer, { role, term, leader, transferTarget });
      if (failure === 'pending') return true;
      if (failure === undefined) transfer.resolve();
      else transfer.reject(new GradswarmError('unavailable', failure));
      return false;
    });
  }

  close(): void {
    const error = new GradswarmError('unavailable', 'The log is closed.');
    for (const { reject } of [...this.#memberships, ...this.#transfers]) reject(error);
    this.#memberships = [];
    this.#transfers = [];
  }
}

type Outcome = Pick<RaftStatus, 'role' | 'term' | 'leader' | 'transferTarget'>;

/** `undefined` when `to` leads. */
function transferFailure(
  { to, term, ticksLeft }: PendingTransfer,
  now: Outcome,
): 'pending' | string | undefined {
  const isStillHere = now.role === 'leader' && now.term === term;
  if (isStillHere) return now.transferTarget === to ? 'pending' : `${to} did not take over in time.`;
  if (now.leader === to) return undefined;
  if (now.leader !== undefined) return `${now.leader} leads now, instead of ${to}.`;
  return ticksLeft > 0 ? 'pending' : `Nobody leads yet; ${to} may still win the election.`;
}
