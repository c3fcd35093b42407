import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Entry, ProposalId } from '../../raft/entry.ts';
import type { LogPosition } from '../../raft/session-table.ts';
import type { ProposalOutcome } from '../ports.ts';

interface Pending {
  readonly index: number;
  readonly term: number;
  readonly key: string;
  readonly bytes: number;
  readonly resolve: (outcome: ProposalOutcome) => void;
  readonly reject: (error: GradswarmError) => void;
}

/** Where a command stands in the log when it is applied: the first of its proposal counts. */
export type AppliedPosition = LogPosition | 'forgotten';

/** So many that are settled may stay in the queue. */
const settledMax = 1_024;

const keyOf = ({ clientId, sequence }: ProposalId): string => `${sequence} ${clientId}`;

/** What this member proposed as the leader and does not know the outcome of, in the order of the log. */
export class PendingProposals {
  #queue: Pending[] = [];
  /** Of `#queue`; those before it are settled. */
  #head = 0;
  readonly #outcomes = new Map<string, Promise<ProposalOutcome>>();
  #bytes = 0;

  /** Of the commands that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  find(proposal: ProposalId): Promise<ProposalOutcome> | undefined {
    return this.#outcomes.get(keyOf(proposal));
  }

  add(index: number, term: number, proposal: ProposalId, bytes: number): Promise<ProposalOutcome> {
    const key = keyOf(proposal);
    const outcome = new Promise<ProposalOutcome>((resolve, reject) => {
      this.#queue.push({ index, term, key, bytes, resolve, reject });
    });
    this.#outcomes.set(key, outcome);
    this.#bytes += bytes;
    return outcome;
  }

  /** The entry is committed and applied; `position` where it is a command. */
  settle({ index, term }: Entry, position: AppliedPosition | undefined): void {
    for (;;) {
      const pending = this.#queue[this.#head];
      if (pending === undefined || pending.index > index) return;
      this.#remove(pending);
      if (pending.index < index || pending.term !== term || !position) pending.resolve({ kind: 'unknown' });
      else if (position === 'forgotten') pending.reject(forgotten(pending.key));
      else pending.resolve({ kind: 'committed', index: position.index, epoch: position.epoch });
    }
  }

  /** This member leads in `term`, or not at all: another leader may or may not commit what else waits. */
  abandonUnlessOf(term: number | undefined): void {
    for (;;) {
      const pending = this.#queue[this.#head];
      if (pending === undefined || pending.term === term) return;
      this.#remove(pending);
      pending.resolve({ kind: 'unknown' });
    }
  }

  #remove(pending: Pending): void {
    this.#head += 1;
    this.#outcomes.delete(pending.key);
    this.#bytes -= pending.bytes;
    if (this.#head < settledMax && this.#head < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}

/** Neither applied again nor said to be committed: the table of sessions remembers so many proposals, and no more. */
export function forgotten(proposal: string): GradswarmError {
  return new GradswarmError('conflict', `Proposal ${proposal} is too old to know.`);
}
