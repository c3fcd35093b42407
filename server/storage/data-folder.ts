import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import { makeDurableFolder, writeDurableFile } from './durable-files.ts';
import { lockFolder } from './folder-lock.ts';

/** Whose data a folder holds; written when the folder is made, and never changed. */
export interface NodeIdentity {
  /** 32 hexadecimal digits; every log segment carries it. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /**
   * 16 random hexadecimal digits. A node that lost its data may have voted, and no longer knows: its new folder has
   * another incarnation, by which its peers tell it.
   */
  readonly incarnation: string;
}

/** A coordinator's folder, held against other processes until it is closed or this process ends. */
export interface DataFolder extends NodeIdentity {
  readonly path: string;
  readonly logFolder: string;
  readonly blobFolder: string;
  readonly exportFolder: string;
  close(): void;
}

export interface DataFolderOptions {
  readonly nodeId: NodeId;
  /** A new folder takes it, or one at random; an existing folder must have it. */
  readonly clusterId?: string;
}

const dataFolderFormat = 2;
export const formatName = 'format.json';
const clusterIdPattern = /^[0-9a-f]{32}$/;
const incarnationPattern = /^[0-9a-f]{16}$/;

/**
 * @throws GradswarmError `dataFolderLocked`, `dataFolderVersion`, or `conflict` for another node's or cluster's folder,
 * with the remedy.
 */
export function openDataFolder(path: string, options: DataFolderOptions): DataFolder {
  makeDurableFolder(path);
  const lock = lockFolder(path);
  try {
    const paths = {
      logFolder: join(path, 'log'),
      blobFolder: join(path, 'blobs'),
      exportFolder: join(path, 'exports'),
    };
    return { path, ...paths, ...readOrCreateIdentity(path, paths.logFolder, options), close: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * The id of a cluster that is started with these members for the first time. It depends on their names and on the
 * secret, so that coordinators that were started with different lists refuse one another; addresses may differ, as each
 * may see the others under names of its own.
 */
export function bootstrapClusterId(peers: Readonly<Record<NodeId, unknown>>, secret: string): string {
  const text = ['gradswarm cluster', ...Object.keys(peers).sort()].join('\n');
  return createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
}

function readOrCreateIdentity(path: string, logFolder: string, options: DataFolderOptions): NodeIdentity {
  const formatPath = join(path, formatName);
  if (existsSync(formatPath)) return readIdentity(path, readFileSync(formatPath, 'utf8'), options);
  if (existsSync(logFolder) && readdirSync(logFolder).length > 0) {
    throw versionError(path, `holds a log, but ${formatName} is missing`);
  }
  const { nodeId, clusterId = randomBytes(16).toString('hex') } = options;
  return writeIdentity(path, { clusterId, nodeId, incarnation: newIncarnation() });
}

function readIdentity(path: string, content: string, options: DataFolderOptions): NodeIdentity {
  const fields = parseFields(path, content);
  const { format, clusterId } = fields;
  if (format !== 1 && format !== dataFolderFormat) {
    throw versionError(
      path,
      `has format ${String(format)}, and this program reads format ${dataFolderFormat}`,
    );
  }
  if (typeof clusterId !== 'string' || !clusterIdPattern.test(clusterId)) {
    throw versionError(path, `has a ${formatName} whose clusterId is not 32 hexadecimal digits`);
  }
  checkClusterId(path, clusterId, options);
  // Format 1 knew no other nodes: whoever opens such a folder is its node, and has met nobody.
  if (format === 1) {
    return writeIdentity(path, { clusterId, nodeId: options.nodeId, incarnation: newIncarnation() });
  }
  const { nodeId, incarnation } = fields;
  if (
    typeof nodeId !== 'string' ||
    typeof incarnation !== 'string' ||
    !incarnationPattern.test(incarnation)
  ) {
    throw versionError(path, `has a ${formatName} without nodeId, or whose incarnation is not 16 digits`);
  }
  if (nodeId !== options.nodeId) {
    const remedy = `start it with --id ${nodeId}, or choose another folder with --data`;
    throw new GradswarmError(
      'conflict',
      `${path} is the data folder of node ${nodeId}, not of ${options.nodeId}; ${remedy}.`,
      'data',
    );
  }
  return { clusterId, nodeId, incarnation };
}

function checkClusterId(path: string, clusterId: string, options: DataFolderOptions): void {
  if (options.clusterId === undefined || options.clusterId === clusterId) return;
  const remedy =
    'start it with the peers and the secret that it began with, or choose another folder with --data';
  throw new GradswarmError(
    'conflict',
    `${path} belongs to the cluster ${clusterId}, not to ${options.clusterId}; ${remedy}.`,
    'data',
  );
}

function newIncarnation(): string {
  return randomBytes(8).toString('hex');
}

function writeIdentity(path: string, identity: NodeIdentity): NodeIdentity {
  const formatPath = join(path, formatName);
  const content = `${JSON.stringify({ format: dataFolderFormat, ...identity })}\n`;
  writeDurableFile(formatPath, `${formatPath}.new`, new TextEncoder().encode(content));
  return identity;
}

function parseFields(path: string, content: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    throw versionError(path, `has a ${formatName} that is not JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed) || !('clusterId' in parsed)) {
    throw versionError(path, `has a ${formatName} without format and clusterId`);
  }
  return { ...parsed };
}

function versionError(path: string, what: string): GradswarmError {
  return new GradswarmError(
    'dataFolderVersion',
    `${path} ${what}. Use the version of gradswarm that wrote it, or choose another folder with --data.`,
    'data',
  );
}
