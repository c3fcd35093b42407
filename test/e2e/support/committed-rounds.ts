import { join } from 'node:path';
import type { RoundCommitted } from '../../../server/core/commands.ts';
import { decodeCommand } from '../../../server/runtime/command-codec.ts';
import { noPeers } from '../../../server/runtime/raft/no-peers.ts';
import { RaftLog } from '../../../server/runtime/raft-log.ts';
import { openDataFolder } from '../../../server/storage/data-folder.ts';
import { openRaftStorage } from '../../../server/storage/raft-storage.ts';
import { createRandom } from '../../../shared/base/random.ts';

const nodeId = 'main';

/** What the log of a coordinator that was alone, and runs no more, says of the rounds of a job, in order. */
export async function committedRounds(dataFolder: string, jobId: string): Promise<readonly RoundCommitted[]> {
  const folder = openDataFolder(dataFolder, { nodeId });
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const opened = await openRaftStorage({
    folder: join(dataFolder, 'log'),
    clusterId: folder.clusterId,
    nodeId,
    initialVoters: { [nodeId]: '' },
    onFatal,
  });
  const log = await RaftLog.open({ nodeId, opened, peers: noPeers, random: createRandom(1), onFatal });
  try {
    return await roundsOf(log, jobId);
  } finally {
    await log.close();
    folder.close();
  }
}

async function roundsOf(log: RaftLog, jobId: string): Promise<readonly RoundCommitted[]> {
  const rounds: RoundCommitted[] = [];
  const last = await log.barrier();
  for await (const item of log.committed(0)) {
    if (item.kind === 'snapshot') throw new Error('the log does not reach back to the first round');
    const command = item.kind === 'command' ? decodeCommand(item.bytes) : undefined;
    if (command?.kind === 'roundCommitted' && command.jobId === jobId) rounds.push(command);
    if (item.index >= last) break;
  }
  return rounds;
}
