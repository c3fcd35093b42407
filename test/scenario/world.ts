import type { Message } from '../../server/raft/message.ts';
import type { Accepted, Refused } from '../../server/raft/raft.ts';
import { configurationOf, type TestCluster } from '../unit/server/raft/support/test-cluster.ts';
import { TestMember, testOptions } from '../unit/server/raft/support/test-member.ts';
import type { Selection } from './selection.ts';
import { encode, stateOf } from './state-machine.ts';

export type Outcome = Accepted | Refused | { readonly kind: 'started' };

/** A cluster with crashes and a network that does what it is told. */
export class World {
  readonly cluster: TestCluster;
  readonly down = new Set<string>();
  /** Lost from now on. */
  lost: Selection[] = [];
  /** They wait. */
  held: Selection[] = [];
  recorded: Message[] = [];
  isEverythingTwice = false;
  /** Of the last request, until it is looked at. */
  outcome: Outcome | undefined;
  readonly #sequences = new Map<string, number>();
  #readId = 0;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    cluster.passes = (message) => !this.down.has(message.to) && !this.lost.some((rule) => rule(message));
  }

  /** One that runs. */
  live(id: string): TestMember {
    const member = this.cluster.member(id);
    if (this.down.has(id)) throw new Error(`${id} is down.`);
    return member;
  }

  liveIds(): string[] {
    return [...this.cluster.members.keys()].filter((id) => !this.down.has(id));
  }

  /** Hands over what is on its way now, without the answers to it. */
  deliver(selection: Selection = () => true): number {
    const { cluster } = this;
    cluster.run();
    const isPicked = (message: Message): boolean =>
      selection(message) && !this.held.some((rule) => rule(message));
    const picked = cluster.messages.filter(isPicked);
    cluster.messages = cluster.messages.filter((message) => !isPicked(message));
    for (const message of picked) {
      cluster.step(message);
      if (this.isEverythingTwice) cluster.step(message);
    }
    return picked.length;
  }

  settle(): void {
    for (let rounds = 0; this.deliver() > 0; rounds++) {
      if (rounds > roundsMax) throw new Error('The members do not stop talking.');
    }
  }

  tick(id: string): void {
    this.live(id);
    this.cluster.tick(id);
  }

  /** `text` names a proposal: the same one is the same proposal. */
  propose(id: string, text: string): void {
    const sequence = this.#sequences.get(text) ?? this.#sequences.size + 1;
    this.#sequences.set(text, sequence);
    const bytes = new TextEncoder().encode(text);
    this.outcome = this.live(id).raft.propose(bytes, { clientId: 'scenario', sequence });
  }

  isProposed(text: string): boolean {
    return this.#sequences.has(text);
  }

  read(id: string): void {
    this.#readId += 1;
    this.live(id).raft.read(this.#readId);
  }

  /** What was not durable is lost; so is what arrives until the restart. */
  crash(id: string): void {
    this.live(id).restart();
    this.down.add(id);
  }

  /** With an empty disk under the old name: such a member is started in quarantine. */
  wipe(id: string): void {
    const options = testOptions(id, { isQuarantined: true });
    this.cluster.members.set(id, new TestMember(options, configurationOf([])));
    this.down.delete(id);
  }

  compact(id: string, kept: number): void {
    const member = this.live(id);
    const state = stateOf(member);
    const { index } = state;
    const term = member.applied.find((entry) => entry.index === index)?.term;
    if (term === undefined) throw new Error(`${id} has applied nothing since its snapshot.`);
    const bytes = encode(state);
    const configuration = member.configurationAt(index);
    const meta = { index, term, configuration, totalBytes: bytes.length, sha256: `hash of ${index}` };
    member.raft.compact({ meta, bytes }, index + 1 - kept);
    this.cluster.run(id);
  }
}

const roundsMax = 2_000;
