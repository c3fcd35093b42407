import type { Entry, ProposalId } from '../../../server/raft/entry.ts';
import type { RaftCore } from './core.ts';
import { Violation } from './violation.ts';

interface Encoded {
  readonly index: number;
  readonly term: number;
  readonly hash: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly sessions: string;
}

const prime = 0x01000193;

/**
 * The replicated state: how many commands of each client took effect, and a hash of the whole history. A client numbers
 * its commands from 1 and waits for each, so one that takes effect twice, or is lost, shows at once.
 */
export class CounterMachine {
  index = 0;
  term = 0;
  hash = 0x811c9dc5;
  private readonly core: RaftCore;
  private readonly counts = new Map<string, number>();
  private sessions: InstanceType<RaftCore['SessionTable']>;

  constructor(core: RaftCore, snapshot: Uint8Array | undefined) {
    this.core = core;
    this.sessions = new core.SessionTable();
    if (snapshot !== undefined) this.restore(snapshot);
  }

  countOf(clientId: string): number {
    return this.counts.get(clientId) ?? 0;
  }

  /** Whether it took effect: everything does but a repeated command. */
  apply({ index, term, body }: Entry): boolean {
    this.index = index;
    this.term = term;
    this.hash = Math.imul(this.hash ^ (index + (term << 16)), prime);
    if (body.kind !== 'command') return true;
    if (this.sessions.find(body.proposal) !== 'new') return false;
    this.sessions.record(body.proposal, { index, epoch: term });
    this.count(body.proposal);
    for (let at = 0; at < body.bytes.length; at += 8)
      this.hash = Math.imul(this.hash ^ (body.bytes[at] ?? 0), prime);
    return true;
  }

  encode(): Uint8Array {
    const { index, term, hash } = this;
    const sessions = new TextDecoder().decode(this.sessions.encode());
    const encoded: Encoded = { index, term, hash, counts: [...this.counts], sessions };
    return new TextEncoder().encode(JSON.stringify(encoded));
  }

  restore(bytes: Uint8Array): void {
    const { index, term, hash, counts, sessions }: Encoded = JSON.parse(new TextDecoder().decode(bytes));
    this.index = index;
    this.term = term;
    this.hash = hash;
    this.counts.clear();
    for (const [clientId, count] of counts) this.counts.set(clientId, count);
    this.sessions = this.core.SessionTable.decode(new TextEncoder().encode(sessions));
  }

  private count({ clientId, sequence }: ProposalId): void {
    const count = this.countOf(clientId) + 1;
    if (sequence !== count) {
      throw new Violation(`exactly once: command ${sequence} of ${clientId} takes effect as number ${count}`);
    }
    this.counts.set(clientId, count);
    this.hash = Math.imul(this.hash ^ (sequence + clientId.charCodeAt(clientId.length - 1)), prime);
  }
}
