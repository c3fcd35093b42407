import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NodeConnection } from '../../support/log-node/connection.ts';
import type { NodeOptions } from '../../support/log-node/node-options.ts';
import { NodeProcess } from '../../support/log-node/node-process.ts';
import type { NodeStatus } from '../../support/log-node/protocol.ts';
import { type Figure, median } from '../figure.ts';
import { commandOf, proposalBytes } from './proposers.ts';

const entries = 1_000_000;
/** The log has a snapshot of its first entries, and all others behind it. */
const snapshotEntries = 1_000;
const proposalsUnderWay = 2_048;
const restarts = 3;
const connectTimeoutMs = 5_000;
const neverCompact = Number.MAX_SAFE_INTEGER;

interface Restarted {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** A cluster of one that starts with a long log: until it answers a linearizable read, and what it holds then. */
export async function coldRestartFigures(report: (figure: Figure) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-restart-'));
  const nodeWith = (compactEvery: number): NodeProcess =>
    new NodeProcess(optionsOf(join(folder, 'a'), compactEvery));
  try {
    await fill(nodeWith(snapshotEntries), snapshotEntries, 'first');
    await fill(nodeWith(neverCompact), entries, 'rest');
    const node = nodeWith(neverCompact);
    const restarted: Restarted[] = [];
    for (let run = 0; run < restarts; run++) restarted.push(await restart(node));
    const shared = {
      suite: 'raft',
      conditions: `1 node, ${entries} entries of ${proposalBytes} bytes behind a snapshot, files in the page cache`,
    };
    const name = 'cold restart to the first linearizable read';
    const seconds = restarted.map((each) => each.seconds);
    const mebibytes = restarted.map((each) => each.mebibytes);
    report({ ...shared, figure: `${name}, time`, value: median(seconds), unit: 's', runs: seconds });
    report({ ...shared, figure: `${name}, memory`, value: median(mebibytes), unit: 'MiB', runs: mebibytes });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function optionsOf(dataFolder: string, compactEvery: number): NodeOptions {
  return {
    id: 'a',
    dataFolder,
    peerPort: 0,
    members: { a: '127.0.0.1:1' },
    addresses: {},
    compactEvery,
    trailingEntries: 0,
    seed: 1,
  };
}

async function fill(node: NodeProcess, count: number, clientId: string): Promise<void> {
  await node.start();
  const connection = await NodeConnection.open(node.clientPort ?? 0, connectTimeoutMs);
  const command = commandOf(clientId);
  let sequence = 0;
  const proposeInTurn = async (): Promise<void> => {
    while (sequence < count) {
      sequence += 1;
      await connection.request({ kind: 'propose', proposal: { clientId, sequence }, command });
    }
  };
  await Promise.all(Array.from({ length: proposalsUnderWay }, proposeInTurn));
  // Until a snapshot that was begun is there.
  await wait(1_000);
  await node.kill();
}

async function restart(node: NodeProcess): Promise<Restarted> {
  const startMs = performance.now();
  await node.start();
  const connection = await NodeConnection.open(node.clientPort ?? 0, connectTimeoutMs);
  const reply = await connection.request({ kind: 'query', query: { kind: 'register', key: 'rest' } });
  const seconds = (performance.now() - startMs) / 1_000;
  if (reply.kind !== 'read') throw new Error(`a read ended with ${JSON.stringify(reply)}`);
  const status = await statusOf(connection);
  if (status.appliedIndex < entries) throw new Error(`only ${status.appliedIndex} entries are there`);
  await node.kill();
  return { seconds, mebibytes: status.memoryBytes / 2 ** 20 };
}

async function statusOf(connection: NodeConnection): Promise<NodeStatus> {
  const reply = await connection.request({ kind: 'status' });
  if (reply.kind !== 'status') throw new Error('a node does not tell its status');
  return reply.status;
}
