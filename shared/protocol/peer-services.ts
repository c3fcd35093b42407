import {
  ClusterConfigurationSchema,
  EntryKind,
  HandshakeSchema,
  PeerLane,
  PeerService,
  RaftMessageKind,
  RaftMessageSchema,
} from '../gen/gradswarm/v1/peer_pb.ts';

/** Grows when a change would be misread by an older coordinator; apart from the version that workers speak. */
export const peerProtocolVersion = 1;

/** What coordinators say to one another; apart from `services.ts`, so that no page carries it. */
export const peerService = PeerService;
export const handshakeSchema = HandshakeSchema;
export const raftMessageSchema = RaftMessageSchema;
export const clusterConfigurationSchema = ClusterConfigurationSchema;
export const raftMessageKinds = RaftMessageKind;
export const entryKinds = EntryKind;
export const peerLanes = {
  control: PeerLane.CONTROL,
  bulk: PeerLane.BULK,
  discovery: PeerLane.DISCOVERY,
} as const;

export type {
  ClusterConfiguration as ClusterConfigurationMessage,
  EntryKind,
  Handshake,
  Hello,
  PeerIdentity as PeerIdentityMessage,
  RaftEntries,
  RaftMessage,
  RaftMessageKind,
  RelayAnswer as RelayAnswerMessage,
  RelayedCall as RelayedCallMessage,
} from '../gen/gradswarm/v1/peer_pb.ts';
