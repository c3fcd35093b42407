import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { isNodeId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import {
  type Handshake,
  type Hello,
  handshakeSchema,
  type PeerIdentityMessage,
  peerLanes,
} from '../../../shared/protocol/peer-services.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { malformed } from './wire-numbers.ts';

export type Lane = keyof typeof peerLanes;

/** Who one side is; ids are hexadecimal digits. */
export interface PeerIdentity {
  /** 32 digits; empty for who has none yet and asks for it. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** 16 digits, of the data folder. */
  readonly incarnation: string;
  /** 16 digits, of the process. */
  readonly run: string;
  readonly clientUrl: string;
}

export type Step = Handshake['step'];
export type StepCase = NonNullable<Step['case']>;
export type StepOf<Case extends StepCase> = Extract<Step, { readonly case: Case }>['value'];
export type StepInit = NonNullable<Exclude<MessageInitShape<typeof handshakeSchema>, Handshake>['step']>;

const nonceBytes = 32;

export function encodeStep(step: StepInit): Uint8Array {
  return toBinary(handshakeSchema, create(handshakeSchema, { step }));
}

/** @throws GradswarmError `malformedFrame`. */
export function decodeStep(bytes: Uint8Array): Step {
  if (bytes.length > limits.peerHandshakeBytesMax) {
    throw malformed(`${bytes.length} bytes, and a handshake has at most ${limits.peerHandshakeBytesMax}`);
  }
  try {
    return fromBinary(handshakeSchema, bytes, { readUnknownFields: false }).step;
  } catch {
    throw malformed('it is no Handshake');
  }
}

/** The nonce has 32 random bytes. */
export function identityMessage(
  { clusterId, nodeId, incarnation, run, clientUrl }: PeerIdentity,
  nonce: Uint8Array,
) {
  const bytes = (digits: string): Uint8Array => Buffer.from(digits, 'hex');
  return {
    clusterId: bytes(clusterId),
    nodeId,
    incarnation: bytes(incarnation),
    run: bytes(run),
    nonce,
    clientUrl,
  };
}

/** @throws GradswarmError `malformedFrame`. */
export function identityOf(message: PeerIdentityMessage | undefined, lane: Lane): PeerIdentity {
  if (!message) throw malformed('a handshake does not say who sent it');
  const { nodeId, clientUrl, nonce } = message;
  if (!isNodeId(nodeId)) throw malformed('the name of a node has 1 to 32 characters of a-z, 0-9 and -');
  if (clientUrl.length > limits.peerUrlCharactersMax) throw malformed('the address for clients is too long');
  if (nonce.length !== nonceBytes) throw malformed(`a nonce has ${nonceBytes} bytes`);
  return {
    clusterId: digits(message.clusterId, lane === 'discovery' ? 0 : 16, 'cluster_id'),
    nodeId,
    incarnation: digits(message.incarnation, 8, 'incarnation'),
    run: digits(message.run, 8, 'run'),
    clientUrl,
  };
}

/** @throws GradswarmError `malformedFrame`. */
export function laneOf({ lane }: Hello): Lane {
  const found = Object.entries(peerLanes).find(([, number]) => number === lane);
  if (!found) throw malformed(`there is no lane ${lane}`);
  return found[0] as Lane;
}

function digits(bytes: Uint8Array, length: number, field: string): string {
  if (bytes.length !== length) throw malformed(`${field} has ${bytes.length} bytes, not ${length}`);
  return Buffer.from(bytes).toString('hex');
}
