import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { joinFrame, splitFrame } from '../../../shared/protocol/frame.ts';
import {
  type RaftMessage,
  type RaftMessageKind,
  raftMessageKinds,
  raftMessageSchema,
} from '../../../shared/protocol/peer-services.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Message, SnapshotMeta } from '../../raft/message.ts';
import { configurationMessage, configurationOf } from './configuration-codec.ts';
import { decodeEntries, encodeEntries } from './entry-codec.ts';
import { malformed, wholeNumber } from './wire-numbers.ts';

type Header = Exclude<MessageInitShape<typeof raftMessageSchema>, RaftMessage>;
type WithoutBase<Each> = Each extends unknown ? Omit<Each, 'from' | 'to' | 'term'> : never;
type Body = WithoutBase<Message>;

interface Encoded {
  readonly header: Header;
  readonly payloads: readonly Uint8Array[];
}

const none: readonly Uint8Array[] = [];

/**
 * `[u32 header length][RaftMessage][zeros to a multiple of 8][payload]`. Sender and receiver are those of the
 * connection. @throws GradswarmError `tooLarge`.
 */
export function encodeMessage(message: Message): Uint8Array {
  const { header, payloads } = encode(message);
  const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
  if (bytes > limits.peerMessageBytesMax) {
    const rule = `at most ${limits.peerMessageBytesMax} fit into a message between coordinators`;
    throw new GradswarmError('tooLarge', `a message of kind ${message.kind} has ${bytes} bytes; ${rule}`);
  }
  return joinFrame(toBinary(raftMessageSchema, create(raftMessageSchema, header)), payloads);
}

/** Keeps nothing of `bytes`. @throws GradswarmError `malformedFrame` or `tooLarge`, and nothing else. */
export function decodeMessage(bytes: Uint8Array, from: NodeId, to: NodeId): Message {
  const { header, payload } = splitFrame(bytes);
  if (payload.length > limits.peerMessageBytesMax) {
    const rule = `at most ${limits.peerMessageBytesMax} are allowed`;
    throw new GradswarmError('tooLarge', `a message of a coordinator has ${payload.length} bytes; ${rule}`);
  }
  const message = decodeHeader(header);
  const term = wholeNumber(message.term, 'term');
  // A copy of its own: entries stay in memory for long, and the frame lies in a much larger buffer of the socket.
  return { from, to, term, ...decodeBody(message, new Uint8Array(payload)) };
}

function encode(message: Message): Encoded {
  const { kind, term } = message;
  const numbered = (header: Header): Encoded => ({
    header: { ...header, kind: numbers[kind], term },
    payloads: none,
  });
  switch (kind) {
    case 'preVote':
    case 'vote': {
      const { lastIndex, lastTerm, isTransfer } = message;
      return numbered({ index: lastIndex, indexTerm: lastTerm, isTransfer });
    }
    case 'preVoteReply':
    case 'voteReply':
      return numbered({ isGranted: message.isGranted });
    case 'append': {
      const { previousIndex, previousTerm, entries, commit } = message;
      const { columns, payloads } = encodeEntries(entries, previousIndex);
      const { header } = numbered({ index: previousIndex, indexTerm: previousTerm, commit });
      return { header: { ...header, entries: columns }, payloads };
    }
    case 'appendReply': {
      const { index, reject } = message;
      return numbered({ index, ...(reject ? { reject: { ...reject } } : {}) });
    }
    case 'heartbeat':
      return numbered({ commit: message.commit, readId: message.readId });
    case 'heartbeatReply':
    case 'readIndex':
      return numbered({ readId: message.readId });
    case 'snapshotChunk': {
      const { meta, offset, bytes } = message;
      const snapshot = { ...meta, configuration: configurationMessage(meta.configuration) };
      return { header: numbered({ snapshot, offset }).header, payloads: [bytes] };
    }
    case 'snapshotReply':
      return numbered({ index: message.index, offset: message.offset });
    case 'timeoutNow':
      return numbered({});
    case 'readIndexReply':
      return numbered({ readId: message.readId, index: message.index });
  }
}

const numbers = {
  preVote: raftMessageKinds.PRE_VOTE,
  vote: raftMessageKinds.VOTE,
  preVoteReply: raftMessageKinds.PRE_VOTE_REPLY,
  voteReply: raftMessageKinds.VOTE_REPLY,
  append: raftMessageKinds.APPEND,
  appendReply: raftMessageKinds.APPEND_REPLY,
  heartbeat: raftMessageKinds.HEARTBEAT,
  heartbeatReply: raftMessageKinds.HEARTBEAT_REPLY,
  snapshotChunk: raftMessageKinds.SNAPSHOT_CHUNK,
  snapshotReply: raftMessageKinds.SNAPSHOT_REPLY,
  timeoutNow: raftMessageKinds.TIMEOUT_NOW,
  readIndex: raftMessageKinds.READ_INDEX,
  readIndexReply: raftMessageKinds.READ_INDEX_REPLY,
} as const satisfies Record<Message['kind'], RaftMessageKind>;
const kinds = new Map(
  Object.entries(numbers).map(([kind, number]) => [number as number, kind as Message['kind']]),
);

function decodeHeader(header: Uint8Array): RaftMessage {
  try {
    return fromBinary(raftMessageSchema, header, { readUnknownFields: false });
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'the header is no RaftMessage');
  }
}

function decodeBody(message: RaftMessage, payload: Uint8Array): Body {
  const kind = kinds.get(message.kind);
  if (kind !== 'append' && kind !== 'snapshotChunk' && payload.length > 0) {
    throw malformed(`a message of kind ${kind ?? message.kind} has a payload`);
  }
  const index = wholeNumber(message.index, 'index');
  const readId = wholeNumber(message.readId, 'read_id');
  const offset = wholeNumber(message.offset, 'offset');
  switch (kind) {
    case 'preVote':
    case 'vote':
      return { kind, lastIndex: index, lastTerm: indexTerm(message), isTransfer: message.isTransfer };
    case 'preVoteReply':
    case 'voteReply':
      return { kind, isGranted: message.isGranted };
    case 'append': {
      const entries = message.entries ? decodeEntries(message.entries, index, payload) : [];
      if (!message.entries && payload.length > 0) throw malformed('an append without entries has a payload');
      return {
        kind,
        previousIndex: index,
        previousTerm: indexTerm(message),
        entries,
        commit: commit(message),
      };
    }
    case 'appendReply':
      return { kind, index, ...rejectOf(message) };
    case 'heartbeat':
      return { kind, commit: commit(message), readId };
    case 'heartbeatReply':
    case 'readIndex':
      return { kind, readId };
    case 'snapshotChunk':
      return { kind, meta: metaOf(message), offset, bytes: payload };
    case 'snapshotReply':
      return { kind, index, offset };
    case 'timeoutNow':
      return { kind };
    case 'readIndexReply':
      return { kind, readId, index };
    case undefined:
      throw malformed(`there is no message of kind ${message.kind}`);
  }
}

function indexTerm(message: RaftMessage): number {
  return wholeNumber(message.indexTerm, 'index_term');
}

function commit(message: RaftMessage): number {
  return wholeNumber(message.commit, 'commit');
}

function rejectOf({ reject }: RaftMessage): {
  readonly reject?: { readonly hintIndex: number; readonly hintTerm: number };
} {
  if (!reject) return {};
  const hintIndex = wholeNumber(reject.hintIndex, 'hint_index');
  return { reject: { hintIndex, hintTerm: wholeNumber(reject.hintTerm, 'hint_term') } };
}

function metaOf({ snapshot }: RaftMessage): SnapshotMeta {
  if (!snapshot?.configuration) throw malformed('a chunk does not name its snapshot');
  return {
    index: wholeNumber(snapshot.index, 'index of the snapshot'),
    term: wholeNumber(snapshot.term, 'term of the snapshot'),
    configuration: configurationOf(snapshot.configuration),
    totalBytes: wholeNumber(snapshot.totalBytes, 'total_bytes'),
    sha256: snapshot.sha256,
  };
}
