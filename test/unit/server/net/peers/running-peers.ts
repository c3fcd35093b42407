import { randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import {
  createPeers,
  type ListeningPeers,
  type PeersOptions,
} from '../../../../../server/net/peers/create-peers.ts';
import type { PeerNotice } from '../../../../../server/net/peers/notices.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import type { PeerHandlers, PeerPins, PeerView } from '../../../../../server/runtime/peers.ts';
import { createMemoryBlobStore } from '../../../../../server/storage/memory-blob-store.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';

export const secret = 'the secret of the cluster under test';
export const clusterId = 'c1'.repeat(16);
/** Long enough that a busy machine is not taken for a dead one. */
const electionTimeoutMs = 2_000;

/** A coordinator as far as its peers are concerned, on a real port of this machine. */
export interface RunningNode {
  readonly id: string;
  readonly incarnation: string;
  readonly peers: ListeningPeers;
  readonly address: string;
  readonly received: readonly Message[];
  readonly notices: readonly PeerNotice[];
  readonly views: readonly PeerView[];
  readonly defects: readonly unknown[];
  readonly blobs: ReturnType<typeof createMemoryBlobStore>;
  readonly storedEpochs: readonly number[];
  close(): Promise<void>;
}

export interface NodeOptions extends Partial<PeersOptions> {
  readonly handlers?: Partial<PeerHandlers>;
}

export function memoryPins(): PeerPins & { readonly all: ReadonlyMap<string, string> } {
  const all = new Map<string, string>();
  return {
    all,
    pinned: (id) => all.get(id),
    pin: (id, incarnation) => void all.set(id, incarnation),
    retain(ids) {
      for (const id of [...all.keys()]) if (!ids.has(id)) all.delete(id);
    },
  };
}

/** Closed when the test is over, if not before. */
export async function startNode(id: string, options: NodeOptions = {}): Promise<RunningNode> {
  const { handlers, ...rest } = options;
  const received: Message[] = [];
  const notices: PeerNotice[] = [];
  const views: PeerView[] = [];
  const defects: unknown[] = [];
  const storedEpochs: number[] = [];
  const blobs = createMemoryBlobStore();
  const incarnation = options.incarnation ?? randomBytes(8).toString('hex');
  const peers = await createPeers(
    {
      ...{ nodeId: id, clusterId, incarnation, secret, electionTimeoutMs },
      clientUrl: `http://${id}.example:7077/`,
      listen: { host: '127.0.0.1', port: 0 },
      pins: memoryPins(),
      report: (notice) => notices.push(notice),
      onDefect: (error) => defects.push(error),
      ...rest,
    },
    {
      onMessage: (message) => received.push(message),
      storeBlob(_hash, bytes, epoch) {
        blobs.put(bytes);
        storedEpochs.push(epoch);
      },
      readBlob: (hash) => blobs.get(hash),
      onPeerChanged: (view) => views.push(view),
      ...handlers,
    },
  );
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= peers.close();
    return closed;
  };
  onTestFinished(close);
  const address = `127.0.0.1:${peers.port}`;
  return { id, incarnation, peers, address, received, notices, views, defects, blobs, storedEpochs, close };
}

/** Tells every node of all the others. */
export function introduce(...nodes: readonly RunningNode[]): void {
  const addresses = Object.fromEntries(nodes.map(({ id, address }) => [id, address]));
  for (const { peers } of nodes) peers.setMembers(addresses);
}

export async function connected(...nodes: readonly RunningNode[]): Promise<void> {
  for (const node of nodes) {
    for (const other of nodes) {
      if (node === other) continue;
      await expect.poll(() => node.peers.describe(other.id)?.isConnected, patience).toBe(true);
    }
  }
}

/** For what must come about, however busy the machine is. */
export const patience = { timeout: 20_000, interval: 10 };

export function heartbeat(from: string, to: string, term = 1): Message {
  return { from, to, term, kind: 'heartbeat', commit: 0, readId: 0 };
}

export function append(from: string, to: string, bytes: Uint8Array, index = 1): Message {
  const proposal = { clientId: from, sequence: index };
  const entries = [{ index, term: 1, body: { kind: 'command' as const, proposal, bytes } }];
  return { from, to, term: 1, kind: 'append', previousIndex: index - 1, previousTerm: 0, entries, commit: 0 };
}

export function words(node: RunningNode): string {
  return node.notices.map(({ message }) => message).join('\n');
}

export const signal = (): AbortSignal => new AbortController().signal;

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof GradswarmError ? error.code : String(error);
}
