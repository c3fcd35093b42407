import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { ClusterConfiguration, NodeId } from '../raft/cluster-configuration.ts';
import type { Entry } from '../raft/entry.ts';
import type { RaftStored } from '../raft/raft.ts';
import type { OpenedStorage } from '../runtime/raft/raft-storage.ts';
import type { Disk } from './disk/disk.ts';
import { nodeDisk } from './disk/node-disk.ts';
import { readMemberFile, writeMemberFile } from './member-file.ts';
import { SegmentLog } from './segment-log/segment-log.ts';
import { decodeEntry, SegmentRaftStorage } from './segment-raft-storage.ts';
import { SnapshotStore } from './snapshot-store.ts';

export interface RaftStorageOptions {
  readonly folder: string;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /**
   * `host:port` of every voter of a new cluster; empty for a node that waits to be added to one. What the folder holds
   * already comes first.
   */
  readonly initialVoters: Readonly<Record<NodeId, string>>;
  /** A write or sync failed; the process should end and start again. */
  readonly onFatal: (error: Error) => void;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
}

/**
 * Opens, or makes, the part of a coordinator's folder that a Raft member must never forget. Damage to what was
 * acknowledged ends here: a member that forgot a vote or an entry would break promises of the whole cluster.
 * @throws GradswarmError `corrupted` with file, offset and remedy; `dataFolderVersion`; `conflict` when the folder is of
 *   another member or cluster, or began with other voters.
 */
export async function openRaftStorage(options: RaftStorageOptions): Promise<OpenedStorage> {
  try {
    return await open(options);
  } catch (error) {
    if (!(error instanceof GradswarmError) || error.code !== 'corrupted') throw error;
    const { nodeId } = options;
    throw new GradswarmError(
      'corrupted',
      `${error.message} Stored data was damaged after it was acknowledged, so this coordinator may neither vote nor ` +
        `answer. In a cluster, remove it with "gradswarm cluster remove ${nodeId}" on the leader, delete its data ` +
        'folder, and add it again with "gradswarm cluster add": the others seed it. A coordinator that is alone needs ' +
        'its data folder restored from a copy.',
    );
  }
}

async function open(options: RaftStorageOptions): Promise<OpenedStorage> {
  const { folder, clusterId, disk = nodeDisk } = options;
  await disk.makeFolder(folder);
  const member = await readMemberFile(disk, folder);
  if (member && member.nodeId !== options.nodeId) {
    throw new GradswarmError(
      'conflict',
      `${folder} belongs to coordinator ${member.nodeId}, and this is ${options.nodeId}. Choose its own folder with --data.`,
    );
  }
  const recovered: Entry[] = [];
  let hasFailed = false;
  const onFatal = (error: Error): void => {
    if (!hasFailed) options.onFatal(error);
    hasFailed = true;
  };
  const segments = join(folder, 'segments');
  const log = await SegmentLog.open(
    {
      disk,
      folder: segments,
      clusterId,
      onFatal,
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
    },
    (entry) => replaceFrom(recovered, decodeEntry(entry)),
  );
  try {
    const initialConfiguration =
      member?.initialConfiguration ?? (await begin(options, disk, log.lastIndex > 0));
    const snapshots = await SnapshotStore.open(
      disk,
      join(folder, 'snapshots'),
      clusterId,
      log.firstIndex - 1,
    );
    const snapshot = await snapshots.loadNewest(initialConfiguration);
    assertJoined(log, snapshot?.meta.index ?? 0, segments);
    const entries = recovered.filter(({ index }) => index >= log.firstIndex && index <= log.lastIndex);
    const stored = { hardState: log.hardState, snapshot, entries, initialConfiguration };
    assertSameVoters(stored, options);
    return { storage: new SegmentRaftStorage(log, snapshots, snapshot, onFatal), stored };
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** `entry` voids what was found from its index on; with a gap before it, a snapshot had emptied the log. */
function replaceFrom(found: Entry[], entry: Entry): void {
  const kept = entry.index - (found[0]?.index ?? entry.index);
  found.length = kept > 0 && kept <= found.length ? kept : 0;
  found.push(entry);
}

/** The first start in this folder, or the first since there are clusters. */
async function begin(
  options: RaftStorageOptions,
  disk: Disk,
  hasLog: boolean,
): Promise<ClusterConfiguration> {
  const { folder, nodeId, initialVoters } = options;
  const voters = Object.keys(initialVoters).sort();
  if (hasLog && (voters.length !== 1 || voters[0] !== nodeId)) {
    throw new GradswarmError(
      'conflict',
      `${folder} holds the log of a coordinator that was alone. Start it without other coordinators, then add them ` +
        'with "gradswarm cluster add".',
    );
  }
  const initialConfiguration: ClusterConfiguration = {
    voters,
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: initialVoters,
  };
  await writeMemberFile(disk, folder, { nodeId, initialConfiguration });
  return initialConfiguration;
}

function assertJoined({ firstIndex, lastIndex }: SegmentLog, snapshotIndex: number, folder: string): void {
  if (firstIndex <= snapshotIndex + 1 && lastIndex >= snapshotIndex) return;
  throw new GradswarmError(
    'corrupted',
    `${folder} holds entries ${firstIndex} to ${lastIndex}, which do not join the snapshot at ${snapshotIndex}: a file is missing.`,
  );
}

/** Two members that began with different voters would count different majorities. */
function assertSameVoters(
  { initialConfiguration, entries, snapshot }: RaftStored,
  { folder, initialVoters }: RaftStorageOptions,
): void {
  const given = Object.keys(initialVoters).sort().join(', ');
  const began = initialConfiguration.voters.join(', ');
  const hasChanged =
    entries.some(({ body }) => body.kind === 'configuration') ||
    (snapshot !== undefined && snapshot.meta.configuration.voters.join(', ') !== began);
  if (given === '' || given === began || hasChanged) return;
  throw new GradswarmError(
    'conflict',
    `${folder} began with the coordinators ${began || 'of a cluster that it was to join'}, and now ${given} are named. ` +
      'Members are changed with "gradswarm cluster add" and "remove".',
    'peers',
  );
}
