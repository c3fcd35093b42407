import { limits } from '../../../shared/base/limits.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { PeerPins } from '../../runtime/peers.ts';
import type { MetPeer } from './dial-peer.ts';
import type { PeerIdentity } from './handshake-messages.ts';
import { answersPing } from './keep-alive.ts';
import { checkCluster, checkExpected, checkMember, checkOtherName, checkPin, twin } from './refusals.ts';

export interface AdmissionOfDialers {
  readonly own: PeerIdentity;
  readonly pins: PeerPins;
  isMember(id: NodeId): boolean;
  /** The connection for messages that this node has opened before. */
  connection(id: NodeId): MetPeer | undefined;
}

/** Of one that knows the secret. Pins it when all is well. @throws GradswarmError in words for both operators. */
export async function admitDialer(
  dialer: PeerIdentity,
  expectedId: NodeId,
  { own, pins, isMember, connection }: AdmissionOfDialers,
): Promise<void> {
  checkCluster(dialer, own);
  checkOtherName(dialer, own, expectedId);
  checkExpected(expectedId, own.nodeId);
  await refuseTwin(dialer, connection(dialer.nodeId));
  checkMember(dialer.nodeId, own, isMember(dialer.nodeId));
  checkPin(dialer, pins);
}

/** A process that was started again is told from a second one by whether the first still answers. */
async function refuseTwin(dialer: PeerIdentity, first: MetPeer | undefined): Promise<void> {
  const { nodeId, incarnation, run } = dialer;
  if (!first || first.identity.run === run || first.identity.incarnation !== incarnation) return;
  if (await answersPing(first.socket, limits.peerProbeTimeoutMs)) throw twin(nodeId);
  first.socket.terminate();
}
