import type { ProposalId } from '../../../server/raft/entry.ts';
import type { CommandResult, Query, QueryResult } from './key-value-state.ts';

/** What a node says of itself. */
export interface NodeStatus {
  readonly role: string;
  readonly term: number;
  readonly leader?: string;
  readonly appliedIndex: number;
  readonly snapshotIndex: number;
  /** Of the state at `appliedIndex`. */
  readonly stateHash: string;
  readonly memoryBytes: number;
  /** Where the log itself is, and on the leader every follower, for those who look for a fault. */
  readonly log: Readonly<Record<string, unknown>>;
}

/** Errors that a node can be told to make, to see whether a test would notice. */
export type PlantedError =
  | 'none'
  /** It reads what it has, without asking whether that is the newest. */
  | 'staleReads'
  /** It proposes some commands a second time a little later. */
  | 'doubleCommands'
  /** It acknowledges writes before they are committed. */
  | 'earlyAnswers';

export interface NodeSettings {
  /** Every sync of the disk takes so much longer. */
  syncDelayMs: number;
  planted: PlantedError;
}

export type Request =
  /** The command travels as the bytes that the log stores. */
  | { readonly kind: 'propose'; readonly proposal: ProposalId; readonly command: Uint8Array }
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'status' }
  | { readonly kind: 'configure'; readonly settings: Partial<NodeSettings> };

export type Reply =
  | { readonly kind: 'applied'; readonly result: CommandResult; readonly term: number }
  | { readonly kind: 'read'; readonly result: QueryResult }
  | { readonly kind: 'status'; readonly status: NodeStatus }
  | { readonly kind: 'done' }
  /** Certainly not proposed here. */
  | { readonly kind: 'notLeader'; readonly leader?: string }
  /** It may happen, or have happened: ask again with the same proposal. */
  | { readonly kind: 'unknown'; readonly reason: string };

const proposeKind = 1;
const jsonKind = 0;
/** `[u32 number][u8 kind]`, then `[u32 sequence][u8 length][client id][command]` or JSON. */
const headBytes = 5;

export function encodeRequest(number: number, request: Request): Buffer {
  if (request.kind !== 'propose') {
    const frame = Buffer.from(`.....${JSON.stringify(request)}`);
    frame.writeUInt32LE(number, 0);
    frame[4] = jsonKind;
    return frame;
  }
  const { proposal, command } = request;
  const { clientId, sequence } = proposal;
  const frame = Buffer.allocUnsafe(headBytes + 5 + clientId.length + command.length);
  frame.writeUInt32LE(number, 0);
  frame[4] = proposeKind;
  frame.writeUInt32LE(sequence, headBytes);
  frame[headBytes + 4] = clientId.length;
  frame.write(clientId, headBytes + 5, 'latin1');
  frame.set(command, headBytes + 5 + clientId.length);
  return frame;
}

export function decodeRequest(frame: Buffer): { readonly number: number; readonly request: Request } {
  const number = frame.readUInt32LE(0);
  if (frame[4] === jsonKind) {
    return { number, request: JSON.parse(frame.toString('utf8', headBytes)) as Request };
  }
  const sequence = frame.readUInt32LE(headBytes);
  const commandStart = headBytes + 5 + (frame[headBytes + 4] ?? 0);
  const clientId = frame.toString('latin1', headBytes + 5, commandStart);
  const command = Uint8Array.from(frame.subarray(commandStart));
  return { number, request: { kind: 'propose', proposal: { clientId, sequence }, command } };
}

export function encodeReply(number: number, reply: Reply): Buffer {
  const frame = Buffer.from(`....${JSON.stringify(reply)}`);
  frame.writeUInt32LE(number, 0);
  return frame;
}

export function decodeReply(frame: Buffer): { readonly number: number; readonly reply: Reply } {
  return { number: frame.readUInt32LE(0), reply: JSON.parse(frame.toString('utf8', 4)) as Reply };
}
