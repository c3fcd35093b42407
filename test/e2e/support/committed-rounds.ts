import { join } from 'node:path';
import { applyCommand } from '../../../server/core/apply-command.ts';
import type { RoundCommitted } from '../../../server/core/commands.ts';
import { createReplicatedState } from '../../../server/core/replicated-state.ts';
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
  // A round that was on its way when the job was paused is in the log, and has no effect.
  const state = createReplicatedState();
  const last = await log.barrier();
  for await (const item of log.committed(0)) {
    if (item.kind === 'snapshot') throw new Error('the log does not reach back to the first round');
    if (item.kind === 'command') {
      const command = decodeCommand(item.bytes);
      const { applied } = applyCommand(state, item.index, command);
      if (applied && command.kind === 'roundCommitted' && command.jobId === jobId) rounds.push(command);
    }
    if (item.index >= last) break;
  }
  return rounds;
}
