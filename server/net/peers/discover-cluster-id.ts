import { randomBytes } from 'node:crypto';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import { checkSecret } from './credentials.ts';
import { dialPeer } from './dial-peer.ts';
import type { PeerTls } from './peer-tls.ts';

export interface DiscoveryOptions {
  /** Of the node that wants to join. */
  readonly nodeId: NodeId;
  /** `host:port` of any member. */
  readonly address: string;
  readonly secret: string;
  readonly tls?: PeerTls;
}

/**
 * Asks a member which cluster it belongs to, for a node that joins and has no data folder yet. The member has proved
 * that it knows the secret.
 * @throws GradswarmError with the reason in words.
 */
export async function discoverClusterId(options: DiscoveryOptions, signal: AbortSignal): Promise<string> {
  const { nodeId, secret, tls } = options;
  checkSecret(secret, tls !== undefined);
  const nobody = { clusterId: '', incarnation: '0'.repeat(16), clientUrl: '' };
  const own = { ...nobody, nodeId, run: randomBytes(8).toString('hex') };
  const { identity, link } = await dialPeer({
    ...options,
    ...{ own, lane: 'discovery' as const, expectedNodeId: '', signal },
    check: () => {},
  });
  link.close();
  return identity.clusterId;
}
