import { noPeers } from '../../server/runtime/raft/no-peers.ts';
import { RaftLog } from '../../server/runtime/raft-log.ts';
import type { Disk } from '../../server/storage/disk/disk.ts';
import { openRaftStorage } from '../../server/storage/raft-storage.ts';
import { createRandom } from '../../shared/base/random.ts';

export const clusterId = '0f'.repeat(16);

export interface LoneRaftLogOptions {
  readonly folder: string;
  readonly onFatal: (error: unknown) => void;
  /** The machine's when absent. */
  readonly disk?: Disk;
  readonly segmentBytes?: number;
  readonly trailingEntries?: number;
}

/** The log of a cluster whose only member is `a`. */
export async function openLoneRaftLog(options: LoneRaftLogOptions): Promise<RaftLog> {
  const { trailingEntries, ...storage } = options;
  const opened = await openRaftStorage({
    ...storage,
    clusterId,
    nodeId: 'a',
    initialVoters: { a: 'localhost:1' },
  });
  return RaftLog.open({
    nodeId: 'a',
    opened,
    peers: noPeers,
    random: createRandom(1),
    onFatal: options.onFatal,
    ...(trailingEntries !== undefined && { trailingEntries }),
  });
}
