import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplicatedLog } from '../../server/runtime/ports.ts';
import { openLoneRaftLog } from '../support/lone-raft-log.ts';
import { RaftCluster, type SimulatedNetwork } from '../support/raft-cluster.ts';
import { type LogHarness, replicatedLogContract } from './replicated-log.contract.ts';

const trailingEntries = 16;
const segmentBytes = 4 * 1024 * 1024;

async function createFolderHarness(): Promise<LogHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-log-'));
  const onFatal = (error: unknown) => {
    throw error;
  };
  return {
    trailingEntries,
    open: () => openLoneRaftLog({ folder, trailingEntries, segmentBytes, onFatal }),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
}

async function createClusterHarness(
  voters: readonly string[],
  network?: SimulatedNetwork,
): Promise<LogHarness> {
  const cluster = new RaftCluster({ voters, trailingEntries, segmentBytes, ...(network && { network }) });
  return {
    trailingEntries,
    open: async () => {
      await cluster.stop();
      await cluster.startAll();
      return compactedEverywhere(cluster, await cluster.leader());
    },
    dispose: () => cluster.dispose(),
  };
}

/** Every coordinator applies the log, and so takes the same snapshots: whoever leads after a start has them. */
function compactedEverywhere(cluster: RaftCluster, leader: string): ReplicatedLog {
  const log = cluster.log(leader);
  return {
    propose: (command, proposal) => log.propose(command, proposal),
    committed: (afterIndex) => log.committed(afterIndex),
    barrier: () => log.barrier(),
    leadership: () => log.leadership(),
    onLeadership: (listener) => log.onLeadership(listener),
    compact: async (index, snapshot) => {
      await log.compact(index, snapshot);
      await cluster.applied(index);
      await Promise.all(cluster.running.map((id) => cluster.log(id).compact(index, snapshot)));
    },
    close: () => log.close(),
  };
}

replicatedLogContract('a cluster of one on disk', createFolderHarness);
replicatedLogContract('a cluster of three', () => createClusterHarness(['a', 'b', 'c']));
replicatedLogContract('a cluster of five', () => createClusterHarness(['a', 'b', 'c', 'd', 'e']));

const faultyNetwork = { seed: 11, lost: 0.02, duplicated: 0.2, heldBack: 0.2 };
replicatedLogContract('a cluster of three on a faulty network', () =>
  createClusterHarness(['a', 'b', 'c'], faultyNetwork),
);
