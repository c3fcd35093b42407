import fc from 'fast-check';
import type { ClusterConfiguration } from '../../../../../server/raft/cluster-configuration.ts';
import type { Entry, EntryBody } from '../../../../../server/raft/entry.ts';
import type { Message } from '../../../../../server/raft/message.ts';

/** Messages of every kind with every field anywhere in its range. */
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
const nodeId = fc.stringMatching(/^[a-z0-9-]{1,32}$/);
const bytes = fc.uint8Array({ maxLength: 200 });

export const configurations: fc.Arbitrary<ClusterConfiguration> = fc.record({
  voters: fc.array(nodeId, { maxLength: 5 }),
  outgoing: fc.array(nodeId, { maxLength: 5 }),
  learners: fc.array(nodeId, { maxLength: 5 }),
  learnersNext: fc.array(nodeId, { maxLength: 5 }),
  addresses: fc.dictionary(nodeId, fc.string(), { noNullPrototype: true }),
});

const bodies: fc.Arbitrary<EntryBody> = fc.oneof(
  fc.record({
    kind: fc.constant('command' as const),
    proposal: fc.record({ clientId: fc.string(), sequence: whole }),
    bytes,
  }),
  fc.constant({ kind: 'noop' as const }),
  configurations.map((configuration) => ({ kind: 'configuration' as const, configuration })),
);

const entriesAfter = (previousIndex: number): fc.Arbitrary<readonly Entry[]> =>
  fc
    .array(fc.record({ term: whole, body: bodies }), { maxLength: 20 })
    .map((entries) => entries.map((entry, position) => ({ index: previousIndex + 1 + position, ...entry })));

const contents = [
  fc.record({
    kind: fc.constantFrom('preVote' as const, 'vote' as const),
    lastIndex: whole,
    lastTerm: whole,
    isTransfer: fc.boolean(),
  }),
  fc.record({
    kind: fc.constantFrom('preVoteReply' as const, 'voteReply' as const),
    isGranted: fc.boolean(),
  }),
  fc.nat({ max: Number.MAX_SAFE_INTEGER - 100 }).chain((previousIndex) =>
    fc.record({
      kind: fc.constant('append' as const),
      previousIndex: fc.constant(previousIndex),
      previousTerm: whole,
      entries: entriesAfter(previousIndex),
      commit: whole,
    }),
  ),
  fc.record({ kind: fc.constant('appendReply' as const), index: whole }),
  fc.record({
    kind: fc.constant('appendReply' as const),
    index: whole,
    reject: fc.record({ hintIndex: whole, hintTerm: whole }),
  }),
  fc.record({ kind: fc.constant('heartbeat' as const), commit: whole, readId: whole }),
  fc.record({ kind: fc.constant('heartbeatReply' as const), readId: whole }),
  fc.record({
    kind: fc.constant('snapshotChunk' as const),
    meta: fc.record({
      index: whole,
      term: whole,
      configuration: configurations,
      totalBytes: whole,
      sha256: fc.string(),
    }),
    offset: whole,
    bytes,
  }),
  fc.record({ kind: fc.constant('snapshotReply' as const), index: whole, offset: whole }),
  fc.constant({ kind: 'timeoutNow' as const }),
  fc.record({ kind: fc.constant('readIndex' as const), readId: whole }),
  fc.record({ kind: fc.constant('readIndexReply' as const), readId: whole, index: whole }),
];

export const messages: fc.Arbitrary<Message> = fc
  .tuple(fc.record({ from: nodeId, to: nodeId, term: whole }), fc.oneof(...contents))
  .map(([base, content]) => ({ ...base, ...content }));

export const messageKinds: readonly Message['kind'][] = [
  'preVote',
  'vote',
  'preVoteReply',
  'voteReply',
  'append',
  'appendReply',
  'heartbeat',
  'heartbeatReply',
  'snapshotChunk',
  'snapshotReply',
  'timeoutNow',
  'readIndex',
  'readIndexReply',
];
