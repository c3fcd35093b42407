import type { ClusterConfiguration } from '../../../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../../../server/raft/entry.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import type {
  Accepted,
  RaftOptions,
  RaftStored,
  Refused,
  Snapshot,
} from '../../../../../server/raft/raft.ts';
import { TestMember, testOptions } from './test-member.ts';

export interface ClusterSetUp {
  readonly voters: readonly string[];
  readonly learners?: readonly string[];
  /** Members that run and are in no configuration yet. */
  readonly strangers?: readonly string[];
  readonly options?: Partial<RaftOptions>;
  readonly stored?: Readonly<Record<string, Partial<RaftStored>>>;
}

export function configurationOf(
  voters: readonly string[],
  changes: Partial<ClusterConfiguration> = {},
): ClusterConfiguration {
  const { outgoing = [], learners = [], learnersNext = [] } = changes;
  const members = [...new Set([...voters, ...outgoing, ...learners])].sort();
  const addresses = Object.fromEntries(members.map((id) => [id, `${id}:1`]));
  return { voters, outgoing, learners, learnersNext, addresses };
}

/** Members in one process, between which messages are moved by hand. */
export class TestCluster {
  readonly members = new Map<string, TestMember>();
  /** On their way. */
  messages: Message[] = [];
  /** Messages for which this is false are lost when they are delivered. */
  passes: (message: Message) => boolean = () => true;
  #sequence = 0;

  constructor({ voters, learners = [], strangers = [], options = {}, stored = {} }: ClusterSetUp) {
    const configuration = configurationOf(voters, { learners });
    for (const id of [...voters, ...learners, ...strangers]) {
      const initial = strangers.includes(id) ? configurationOf([]) : configuration;
      this.members.set(id, new TestMember(testOptions(id, options), initial, stored[id]));
    }
  }

  member(id: string): TestMember {
    const member = this.members.get(id);
    if (!member) throw new Error(`There is no member ${id}.`);
    return member;
  }

  status(id: string) {
    return this.member(id).raft.status();
  }

  /** Works off the outputs of all members, or of these. */
  run(...ids: string[]): void {
    for (const id of ids.length > 0 ? ids : this.members.keys()) this.messages.push(...this.member(id).run());
  }

  tick(id: string, count = 1): void {
    for (let ticks = 0; ticks < count; ticks++) {
      this.member(id).raft.tick();
      this.run(id);
    }
  }

  tickAll(count = 1): void {
    for (let ticks = 0; ticks < count; ticks++) {
      for (const id of this.members.keys()) this.tick(id);
      this.settle();
    }
  }

  /** Hands over what `select` picks of the messages under way, and keeps the others. */
  deliver(select: (message: Message) => boolean = () => true): void {
    const picked = this.messages.filter(select);
    this.messages = this.messages.filter((message) => !select(message));
    for (const message of picked) this.step(message);
  }

  step(message: Message): void {
    if (!this.passes(message)) return;
    this.members.get(message.to)?.raft.step(message);
    if (this.members.has(message.to)) this.run(message.to);
  }

  /** Until nothing is under way. */
  settle(): void {
    this.run();
    for (let rounds = 0; this.messages.length > 0; rounds++) {
      if (rounds > 10_000) throw new Error('The members do not stop talking.');
      this.deliver();
    }
  }

  isolate(...ids: string[]): void {
    this.passes = ({ from, to }) => ids.includes(from) === ids.includes(to);
  }

  heal(): void {
    this.passes = () => true;
  }

  /** Makes `id` campaign for the term after `term` as if its leader had handed over, and delivers all. */
  campaign(id: string, term = this.status(id).term): void {
    this.member(id).raft.step({ kind: 'timeoutNow', from: 'nobody', to: id, term });
    this.settle();
  }

  elect(id: string): void {
    this.campaign(id);
    if (this.status(id).role !== 'leader') throw new Error(`${id} was not elected.`);
  }

  propose(id: string, text = 'x'): Accepted | Refused {
    this.#sequence += 1;
    const proposal = { clientId: 'test', sequence: this.#sequence };
    return this.member(id).raft.propose(new TextEncoder().encode(text), proposal);
  }

  /** Makes a snapshot of all that `id` has applied, and keeps as many entries before its end as said. */
  compact(id: string, kept = 0): Snapshot {
    const member = this.member(id);
    const last = member.applied.at(-1) ?? member.startSnapshot?.meta;
    if (!last) throw new Error(`${id} has applied nothing.`);
    const bytes = new TextEncoder().encode(`state at ${last.index}`.padEnd(40, '.'));
    const meta = {
      index: last.index,
      term: last.term,
      configuration: member.configurationAt(last.index),
      totalBytes: bytes.length,
      sha256: `hash of ${last.index}`,
    };
    const snapshot = { meta, bytes };
    member.raft.compact(snapshot, last.index + 1 - kept);
    this.run(id);
    return snapshot;
  }

  leaders(): string[] {
    return [...this.members.keys()].filter((id) => this.status(id).role === 'leader');
  }
}

/** `term` or `term:text` of every entry. */
export function logText(entries: readonly Entry[]): string {
  return entries
    .map(({ term, body }) => {
      if (body.kind === 'noop') return `${term}`;
      if (body.kind === 'configuration') return `${term}:(${body.configuration.voters.join(' ')})`;
      return `${term}:${new TextDecoder().decode(body.bytes)}`;
    })
    .join(' ');
}
