import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Configuration } from '../http/configuration-schema.ts';
import { discoverClusterId } from '../net/peers/discover-cluster-id.ts';
import { bootstrapClusterId, type DataFolder, formatName, openDataFolder } from '../storage/data-folder.ts';
import { claimEtcdCluster } from '../storage/etcd/etcd-log.ts';
import { readPeerTls } from './open-peers.ts';

/**
 * The folder of this coordinator, which a new one begins under the id of the cluster that it is to belong to.
 * @throws GradswarmError `dataFolderLocked`, `dataFolderVersion`, `conflict`, `badRequest`, `unavailable`.
 */
export async function openFolder(configuration: Configuration): Promise<DataFolder> {
  const { data: path, id: nodeId } = configuration;
  const clusterId = await clusterIdOf(configuration, existsSync(joinPath(path, formatName)));
  try {
    return openDataFolder(path, { nodeId, ...(clusterId !== undefined && { clusterId }) });
  } catch (error) {
    if (error instanceof GradswarmError || !(error instanceof Error && 'code' in error)) throw error;
    const remedy = 'choose a folder that can be written with --data';
    throw new GradswarmError('badRequest', `${path} cannot be used (${error.message}); ${remedy}`, 'data');
  }
}

/** `undefined`: the folder's own, or a new one at random. */
async function clusterIdOf(configuration: Configuration, exists: boolean): Promise<string | undefined> {
  const { id: nodeId, peers, join, clusterSecret, consensus, etcd, etcdPrefix } = configuration;
  if (Object.keys(peers).length > 0) return bootstrapClusterId(peers, clusterSecret);
  if (exists) return undefined;
  if (consensus === 'etcd') {
    return claimEtcdCluster({ endpoints: etcd, prefix: etcdPrefix }, randomBytes(16).toString('hex'));
  }
  if (join === '') return undefined;
  const tls = readPeerTls(configuration);
  const signal = AbortSignal.timeout(limits.clusterDiscoveryTimeoutMs);
  const asked = { nodeId, address: join, secret: clusterSecret, ...(tls && { tls }) };
  return discoverClusterId(asked, signal);
}
