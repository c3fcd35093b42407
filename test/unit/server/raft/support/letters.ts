import type { Entry } from '../../../../../server/raft/entry.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import type { RaftOptions, RaftStored } from '../../../../../server/raft/raft.ts';
import { configurationOf } from './test-cluster.ts';
import { TestMember, testOptions } from './test-member.ts';

/** Member `a` of a, b and c (or of those named), alone with the messages of a test. */
export function loneMember(
  stored: Partial<RaftStored> = {},
  voters: readonly string[] = ['a', 'b', 'c'],
  options: Partial<RaftOptions> = {},
): TestMember {
  return new TestMember(testOptions('a', options), configurationOf(voters), stored);
}

export function noop(index: number, term: number): Entry {
  return { index, term, body: { kind: 'noop' } };
}

export function command(index: number, term: number, text: string): Entry {
  const proposal = { clientId: 'test', sequence: index };
  return { index, term, body: { kind: 'command', proposal, bytes: new TextEncoder().encode(text) } };
}

/** A disk with empty entries of these terms. */
export function storedTerms(
  terms: readonly number[],
  hardState: Partial<RaftStored['hardState']> = {},
): Partial<RaftStored> {
  const entries = terms.map((term, place) => noop(place + 1, term));
  return { entries, hardState: { term: terms.at(-1) ?? 0, vote: '', commit: 0, ...hardState } };
}

type Kind = Message['kind'];
type OfKind<K extends Kind, M extends Message = Message> = M extends Message
  ? K extends M['kind']
    ? M
    : never
  : never;
type Fields<K extends Kind> = Omit<OfKind<K>, 'kind' | 'from' | 'to' | 'term'>;

/** From `from` to a. */
export function letter<K extends Kind>(kind: K, from: string, term: number, fields: Fields<K>): Message {
  return { kind, from, to: 'a', term, ...fields } as unknown as Message;
}

export function append(
  from: string,
  term: number,
  previous: readonly [index: number, term: number],
  entries: readonly Entry[] = [],
  commit = 0,
): Message {
  return letter('append', from, term, {
    previousIndex: previous[0],
    previousTerm: previous[1],
    entries,
    commit,
  });
}

export function voteRequest(
  from: string,
  term: number,
  last: readonly [index: number, term: number],
): Message {
  return letter('vote', from, term, { lastIndex: last[0], lastTerm: last[1], isTransfer: false });
}

export function preVoteRequest(
  from: string,
  term: number,
  last: readonly [index: number, term: number],
): Message {
  return letter('preVote', from, term, { lastIndex: last[0], lastTerm: last[1], isTransfer: false });
}

/** Hands the messages over one by one; returns all that the member says. */
export function say(member: TestMember, ...messages: readonly Message[]): Message[] {
  return messages.flatMap((message) => {
    member.raft.step(message);
    return member.run();
  });
}

export function ofKind<K extends Kind>(messages: readonly Message[], kind: K): OfKind<K>[] {
  return messages.filter((message): message is OfKind<K> => message.kind === kind);
}

/** Ticks until something is said. */
export function tickUntilHeard(member: TestMember): Message[] {
  for (let ticks = 0; ticks < 1_000; ticks++) {
    member.raft.tick();
    const messages = member.run();
    if (messages.length > 0) return messages;
  }
  throw new Error('The member has nothing to say.');
}

/** Through the pre-vote and the vote, both granted by b, and the first append acknowledged by nobody. */
export function makeLeader(member: TestMember): Message[] {
  return [
    ...makeCandidate(member),
    ...say(member, letter('voteReply', 'b', termOf(member), { isGranted: true })),
  ];
}

export function makeCandidate(member: TestMember): Message[] {
  tickUntilHeard(member);
  const term = termOf(member) + 1;
  const grants = member.raft
    .status()
    .configuration.voters.filter((id) => id !== 'a')
    .map((id) => letter('preVoteReply', id, term, { isGranted: true }));
  return say(member, ...grants);
}

export function termOf(member: TestMember): number {
  return member.raft.status().term;
}
