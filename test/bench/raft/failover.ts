import { setTimeout as wait } from 'node:timers/promises';
import { limits } from '../../../shared/base/limits.ts';
import { NodeConnection } from '../../support/log-node/connection.ts';
import { LogCluster } from '../../support/log-node/log-cluster.ts';
import { type Figure, percentile } from '../figure.ts';
import { commandOf } from './proposers.ts';

const kills = 50;
const connectTimeoutMs = 1_000;
const attemptMs = 2_000;
const retryMs = 2;
/** A cluster that has just changed its leader, or taken a node back, is left alone for so long. */
const calmMs = 300;

/** From SIGKILL of the leader to the first proposal that its successor commits, in election timeouts. */
export async function failoverFigures(report: (figure: Figure) => void): Promise<void> {
  const electionMs = limits.raftElectionTicks * limits.raftTickMs;
  const cluster = await LogCluster.start({ size: 3, seed: 1, hasProxies: false });
  try {
    const durations: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      durations.push((await failOver(cluster, `kill-${kill}`)) / electionMs);
    }
    const shared = {
      suite: 'raft',
      unit: 'election timeouts',
      runs: durations,
      conditions: `3 nodes, ${kills} kills, election timeout ${electionMs} to ${2 * electionMs} ms`,
    };
    const name = 'SIGKILL of the leader to the first commit under the next';
    report({
      ...shared,
      figure: `${name}, median`,
      value: percentile(durations, 0.5),
      target: { kind: 'atMost', value: 1.5 },
    });
    report({
      ...shared,
      figure: `${name}, 99th percentile`,
      value: percentile(durations, 0.99),
      target: { kind: 'atMost', value: 3 },
    });
  } finally {
    await cluster.dispose();
  }
}

/** In milliseconds. */
async function failOver(cluster: LogCluster, clientId: string): Promise<number> {
  const leader = await cluster.untilLeader();
  const survivors = cluster.ids.filter((id) => id !== leader);
  const connections = await Promise.all(
    survivors.map((id) => NodeConnection.open(cluster.node(id).clientPort ?? 0, connectTimeoutMs)),
  );
  const startMs = performance.now();
  const gone = cluster.node(leader).kill();
  await Promise.race(connections.map((connection, index) => commitOne(connection, `${clientId}-${index}`)));
  const durationMs = performance.now() - startMs;
  for (const connection of connections) connection.close();
  await gone;
  await cluster.node(leader).start();
  await cluster.untilConverged(60_000);
  await wait(calmMs);
  return durationMs;
}

/** Asks one node until it commits, which it does once it leads. */
async function commitOne(connection: NodeConnection, clientId: string): Promise<void> {
  const command = commandOf(clientId);
  const request = { kind: 'propose', proposal: { clientId, sequence: 1 }, command } as const;
  while (connection.isOpen) {
    const reply = await connection.requestWithin(request, attemptMs);
    if (reply.kind === 'applied') return;
    await wait(retryMs);
  }
  // Closed because the other node has committed.
  await new Promise(() => {});
}
