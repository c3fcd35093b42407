import { membersOf } from '../../../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../../../server/raft/entry.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import type { Snapshot } from '../../../../../server/raft/raft.ts';
import { createRandom, type Random } from '../../../../../shared/base/random.ts';
import { configurationOf, logText } from './test-cluster.ts';
import { TestMember, testOptions } from './test-member.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];

/**
 * Five members, three of them voters at first, on a network that loses, repeats and reorders, with disks that take
 * their time, under every kind of request. What must hold is checked after every step.
 */
export class RandomCluster {
  readonly members: TestMember[];
  readonly leaderOf = new Map<number, string>();
  /** What was applied anywhere, by index. */
  readonly history: string[] = [];
  /** For every read under way: how much was applied anywhere when it began. */
  readonly readFloors = new Map<number, number>();
  readsAnswered = 0;
  changes = 0;
  installs = 0;
  readonly #random: Random;
  #messages: Message[] = [];
  #sequence = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.members = ids.map((id, place) => {
      const random = this.#random.fork(id);
      const options = testOptions(id, { random, electionTicks: 5, transferTicks: 5, appendBytesMax: 200 });
      return new TestMember(options, configurationOf(place < 3 ? ['a', 'b', 'c'] : []));
    });
  }

  step(): void {
    const member = this.#pick(this.members);
    const dice = this.#random.below(100);
    if (dice < 40) this.#deliver();
    else if (dice < 60) member.raft.tick();
    else if (dice < 75) member.isDiskHeld = this.#random.below(2) === 0;
    else if (dice < 85) this.#propose(member);
    else if (dice < 90) this.#read(member);
    else if (dice < 93) this.#compact(member);
    else if (dice < 96) this.#change(member);
    else if (dice < 98) member.raft.transferLeadership(this.#pick(ids));
    else if (dice < 99) this.#restart(member);
    for (const each of this.members) this.#run(each);
  }

  /** No more faults: everyone ticks and hears everything. */
  heal(): void {
    for (const member of this.members) member.isDiskHeld = false;
    for (let ticks = 0; ticks < 60; ticks++) {
      for (const member of this.members) member.raft.tick();
      for (let round = 0; round < 20; round++) {
        for (const member of this.members) this.#run(member);
        for (const message of this.#messages.splice(0)) this.#hand(message);
      }
    }
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[this.#random.below(list.length)];
    if (picked === undefined) throw new Error('There is nothing to pick from.');
    return picked;
  }

  #deliver(): void {
    for (let count = this.#random.below(8); count > 0 && this.#messages.length > 0; count--) {
      // The first of them most of the time, so that something gets done.
      const place = this.#random.below(4) === 0 ? this.#random.below(this.#messages.length) : 0;
      const [message] = this.#messages.splice(place, 1);
      const fate = this.#random.below(10);
      if (!message || fate === 0) continue;
      this.#hand(message);
      if (fate === 1) this.#messages.push(message);
    }
  }

  #hand(message: Message): void {
    const member = this.members.find(({ id }) => id === message.to);
    if (!member) return;
    member.raft.step(message);
    this.#run(member);
  }

  #run(member: TestMember): void {
    const { role, term } = member.raft.status();
    if (role === 'leader') {
      const leader = this.leaderOf.get(term) ?? member.id;
      if (leader !== member.id) throw new Error(`${leader} and ${member.id} lead term ${term}.`);
      this.leaderOf.set(term, leader);
    }
    const start = member.applied.length;
    const { length: installs } = member.installed;
    this.#messages.push(...(member.isDiskHeld ? member.run() : member.releaseDisk()));
    this.installs += member.installed.length - installs;
    for (const entry of member.applied.slice(start)) this.#checkApplied(member, entry);
    for (const { readId, index } of member.reads.splice(0)) this.#checkRead(readId, index);
  }

  #checkApplied(member: TestMember, entry: Entry): void {
    const text = logText([entry]);
    const known = this.history[entry.index];
    if (known !== undefined && known !== text) {
      throw new Error(`${member.id} applies ${text} at ${entry.index} where ${known} was applied.`);
    }
    this.history[entry.index] = text;
    const durable = member.disk.entries.find(({ index }) => index === entry.index);
    const covered = member.disk.snapshot?.meta.index ?? 0;
    if (entry.index > covered && (!durable || logText([durable]) !== text)) {
      throw new Error(`${member.id} applies ${text} at ${entry.index}, which is not on its disk.`);
    }
    if (entry.body.kind === 'configuration') this.changes += 1;
  }

  #checkRead(readId: number, index: number | undefined): void {
    const floor = this.readFloors.get(readId);
    this.readFloors.delete(readId);
    if (floor === undefined) throw new Error(`Read ${readId} is answered twice.`);
    if (index === undefined) return;
    this.readsAnswered += 1;
    if (index < floor) throw new Error(`Read ${readId} began at ${floor} and is answered at ${index}.`);
  }

  #propose(member: TestMember): void {
    this.#sequence += 1;
    const proposal = { clientId: member.id, sequence: this.#sequence };
    member.raft.propose(new TextEncoder().encode(`${member.id}${this.#sequence}`), proposal);
  }

  #read(member: TestMember): void {
    this.#sequence += 1;
    this.readFloors.set(this.#sequence, this.history.length - 1);
    member.raft.read(this.#sequence);
  }

  #change(member: TestMember): void {
    const id = this.#pick(ids);
    const kind = this.#pick(['addLearner', 'promote', 'promote', 'demote', 'remove'] as const);
    const { voters } = member.raft.status().configuration;
    if (kind === 'remove' && voters.length <= 2) return;
    member.raft.changeMembership([kind === 'addLearner' ? { kind, id, address: `${id}:1` } : { kind, id }]);
  }

  #compact(member: TestMember): void {
    const last = member.applied.at(-1);
    if (!last) return;
    const configuration = member.configurationAt(last.index);
    const bytes = new TextEncoder().encode(this.history.slice(1, last.index + 1).join('|'));
    const meta = { index: last.index, term: last.term, configuration, totalBytes: bytes.length, sha256: 'x' };
    const snapshot: Snapshot = { meta, bytes };
    member.raft.compact(snapshot, last.index - this.#random.below(4));
  }

  #restart(member: TestMember): void {
    for (const readId of this.readFloors.keys()) this.readFloors.set(readId, -1);
    member.restart();
  }

  /** After `heal`: what the members of the final configuration have applied, which must be the same. */
  states(): string[] {
    const leader = this.members.find(({ raft }) => raft.status().role === 'leader');
    const members = leader ? membersOf(leader.raft.status().configuration) : [];
    return this.members.filter(({ id }) => members.includes(id)).map((member) => stateOf(member));
  }
}

function stateOf({ startSnapshot, installed, applied }: TestMember): string {
  const base = installed.at(-1) ?? startSnapshot;
  const rest = applied.filter(({ index }) => index > (base?.meta.index ?? 0));
  const start = base ? [new TextDecoder().decode(base.bytes)] : [];
  return [...start, ...rest.map((entry) => logText([entry]))].join('|');
}
