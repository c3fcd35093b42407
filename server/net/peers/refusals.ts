import { GradswarmError } from '../../../shared/base/errors.ts';
import { peerProtocolVersion } from '../../../shared/protocol/peer-services.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { PeerPins } from '../../runtime/peers.ts';
import type { PeerIdentity } from './handshake-messages.ts';

/** Every reason not to speak with a coordinator, in words for the operators of both. */

/** @throws GradswarmError `unsupportedProtocol`. */
export function checkVersion(theirs: number, ownId: NodeId): void {
  if (theirs === peerProtocolVersion) return;
  const versions = `version ${theirs} of the protocol between coordinators was offered to node ${ownId}`;
  throw new GradswarmError(
    'unsupportedProtocol',
    `${versions}, which speaks version ${peerProtocolVersion}; update the older of both`,
  );
}

export function wrongSecret(): GradswarmError {
  return new GradswarmError(
    'unauthenticated',
    'the cluster secrets differ; give all coordinators the same one',
  );
}

export function unprovenAcceptor(id: NodeId): GradswarmError {
  return new GradswarmError('unauthenticated', `node ${id} could not prove that it knows the cluster secret`);
}

/** @throws GradswarmError `conflict`. */
export function checkCluster(theirs: PeerIdentity, own: PeerIdentity): void {
  if (theirs.clusterId === own.clusterId) return;
  const ids = [theirs, own].map(
    ({ nodeId, clusterId }) => `node ${nodeId} is of cluster ${clusterId.slice(0, 8)}…`,
  );
  const why = 'the peer lists differ, or this data folder belongs to another cluster';
  throw new GradswarmError('conflict', `${why} (${ids.join(', ')})`);
}

/** @throws GradswarmError `conflict` when it bears this node's name. */
export function checkOtherName(theirs: PeerIdentity, own: PeerIdentity, expectedId: NodeId): void {
  if (theirs.nodeId !== own.nodeId) return;
  if (theirs.run === own.run) {
    const why = `node ${own.nodeId} was led to itself when it looked for node ${expectedId}`;
    throw new GradswarmError('conflict', `${why}; correct the addresses of the peer list`);
  }
  throw new GradswarmError('conflict', `two nodes are called ${own.nodeId}; give one of them another --id`);
}

/** @throws GradswarmError `conflict` when the address led to another node than it was said to. */
export function checkExpected(expectedId: NodeId, actualId: NodeId): void {
  if (expectedId === actualId) return;
  const why = `node ${expectedId} was expected at the address of node ${actualId}`;
  throw new GradswarmError('conflict', `${why}; correct the addresses of the peer list`);
}

/** @throws GradswarmError `forbidden`. */
export function checkMember(id: NodeId, own: PeerIdentity, isMember: boolean): void {
  if (isMember) return;
  const why = `node ${id} is not a member of the cluster as node ${own.nodeId} knows it`;
  throw new GradswarmError('forbidden', `${why}; add it with \`gradswarm cluster add\``);
}

/** Pins who is met for the first time. @throws GradswarmError `conflict` for another incarnation than the first one. */
export function checkPin({ nodeId, incarnation }: PeerIdentity, pins: PeerPins): void {
  const pinned = pins.pinned(nodeId);
  if (pinned === undefined) pins.pin(nodeId, incarnation);
  else if (pinned !== incarnation) {
    const remedy = 'remove it and add it again as a new learner with `gradswarm cluster remove/add`';
    throw new GradswarmError('conflict', `node ${nodeId} was wiped or replaced; ${remedy}`);
  }
}

export function twin(id: NodeId): GradswarmError {
  const why = `two processes run as node ${id}, each with a copy of the same data folder`;
  return new GradswarmError('conflict', `${why}; stop one of them`);
}
