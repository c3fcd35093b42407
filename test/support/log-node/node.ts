import { createPeers } from '../../../server/net/peers/create-peers.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Peers } from '../../../server/runtime/peers.ts';
import { noPeers } from '../../../server/runtime/raft/no-peers.ts';
import { RaftLog } from '../../../server/runtime/raft-log.ts';
import { type DataFolder, openDataFolder } from '../../../server/storage/data-folder.ts';
import { nodeDisk } from '../../../server/storage/disk/node-disk.ts';
import { openPeerPins } from '../../../server/storage/peer-pins.ts';
import { openRaftStorage } from '../../../server/storage/raft-storage.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createRandom } from '../../../shared/base/random.ts';
import { createAnswers } from './answers.ts';
import { AppliedState } from './applied-state.ts';
import type { NodeOptions } from './node-options.ts';
import type { NodeSettings } from './protocol.ts';
import { serveClients } from './serve-clients.ts';
import { slowDisk } from './slow-disk.ts';

const clusterId = '0f'.repeat(16);
const secret = 'a secret that only tests have';

export interface LogNode {
  readonly clientPort: number;
}

export async function openLogNode(options: NodeOptions & { readonly seed: number }): Promise<LogNode> {
  const { id, members, addresses, seed, trailingEntries } = options;
  const settings: NodeSettings = { syncDelayMs: 0, planted: 'none' };
  let log: RaftLog | undefined;
  const folder = openDataFolder(options.dataFolder, { nodeId: id, clusterId });
  const opened = await openRaftStorage({
    folder: folder.logFolder,
    clusterId,
    nodeId: id,
    initialVoters: members,
    onFatal: die,
    disk: slowDisk(nodeDisk, () => settings.syncDelayMs),
  });
  const peers = await listen(options, folder, (message) => log?.receive(message));
  const random = createRandom(seed);
  const opening = { nodeId: id, opened, peers, random, onFatal: die, addresses, trailingEntries };
  log = await RaftLog.open(opening);
  const applied = new AppliedState(log, options.compactEvery);
  void applied.follow().catch(die);
  const clientPort = await serveClients(createAnswers(log, applied, settings));
  return { clientPort };
}

/** Whoever starts it again finds what it acknowledged; nothing else may be trusted. */
function die(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(70);
}

async function listen(
  { id, members, peerPort }: NodeOptions,
  folder: DataFolder,
  onMessage: (message: Message) => void,
): Promise<Pick<Peers, 'send' | 'setMembers' | 'describe'>> {
  if (Object.keys(members).length === 1) return noPeers;
  const refuse = (): never => {
    throw new GradswarmError('notFound', 'a node of the log alone has no blobs');
  };
  return createPeers(
    {
      nodeId: id,
      clusterId,
      incarnation: folder.incarnation,
      clientUrl: `http://${id}.invalid/`,
      listen: { host: '127.0.0.1', port: peerPort },
      secret,
      pins: openPeerPins(folder.path),
      electionTimeoutMs: limits.raftElectionTicks * limits.raftTickMs,
      report: ({ message }) => process.stderr.write(`${message}\n`),
      onDefect: die,
    },
    { onMessage, storeBlob: refuse, readBlob: refuse, onPeerChanged() {} },
  );
}
