import type { NodeId } from '../../../../server/raft/cluster-configuration.ts';
import {
  type CoordinatorRuntime,
  createCoordinatorRuntime,
} from '../../../../server/runtime/coordinator-runtime.ts';
import type { Peers } from '../../../../server/runtime/peers.ts';
import type {
  BlobStore,
  Leadership,
  LogItem,
  ProposalOutcome,
  ReplicatedLog,
} from '../../../../server/runtime/ports.ts';
import { createLocalTrainer } from '../../../../server/runtime/trainer/local-trainer.ts';
import { createCheckpointStore } from '../../../../server/storage/checkpoint-store.ts';
import { createMemoryBlobStore } from '../../../../server/storage/memory-blob-store.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

/** What all members of one cluster share: the committed items, and who leads. */
export class SharedLog {
  readonly items: LogItem[] = [];
  leader: NodeId | undefined;
  epoch = 0;
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<() => void>();

  member(id: NodeId): ReplicatedLog {
    let isClosed = false;
    const leadership = (): Leadership => ({ isLeader: this.leader === id && !isClosed, epoch: this.epoch });
    const changed = () => new Promise<void>((resolve) => this.waiting.add(resolve));
    const { items, listeners } = this;
    return {
      propose: async (bytes, proposal): Promise<ProposalOutcome> => {
        const { isLeader, epoch } = leadership();
        if (!isLeader) return { kind: 'notLeader' };
        const index = items.length + 1;
        items.push({ kind: 'command', index, epoch, bytes, proposal });
        this.wake();
        return { kind: 'committed', index, epoch };
      },
      async *committed(afterIndex) {
        for (let next = afterIndex; !isClosed; ) {
          const item = items[next];
          if (item === undefined) {
            await changed();
          } else {
            next += 1;
            yield item;
          }
        }
      },
      barrier: async () => {
        if (this.leader === undefined) throw new GradswarmError('unavailable', 'nobody leads');
        return items.length;
      },
      leadership,
      onLeadership(listener) {
        const tell = () => listener(leadership());
        listeners.add(tell);
        return () => listeners.delete(tell);
      },
      compact: async () => {},
      close: async () => {
        isClosed = true;
        this.wake();
      },
    };
  }

  elect(id: NodeId | undefined): void {
    this.leader = id;
    this.epoch += 1;
    this.items.push({ kind: 'noop', index: this.items.length + 1, epoch: this.epoch });
    this.wake();
    for (const tell of this.listeners) tell();
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
    this.waiting.clear();
  }
}

export interface ClusterMember {
  readonly id: NodeId;
  readonly runtime: CoordinatorRuntime;
  readonly blobs: BlobStore;
  readonly fatal: unknown[];
  isReachable: boolean;
}

/** Whole coordinators but for sockets, disks and the log; the first one leads. Each disk holds `leftBehind` already. */
export async function startCluster(ids: readonly NodeId[], leftBehind: readonly Uint8Array[] = []) {
  const log = new SharedLog();
  const members = new Map<NodeId, ClusterMember>();
  const configuration = {
    voters: ids,
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: Object.fromEntries(ids.map((id) => [id, id])),
  };
  const reach = (from: NodeId, to: NodeId): ClusterMember => {
    const [own, other] = [members.get(from), members.get(to)];
    if (own?.isReachable !== true || other?.isReachable !== true) {
      throw new GradswarmError('unavailable', `${to} cannot be reached`);
    }
    return other;
  };
  for (const id of ids) {
    const blobs = createMemoryBlobStore();
    for (const bytes of leftBehind) blobs.put(bytes);
    const fatal: unknown[] = [];
    const peers: Pick<Peers, 'storeBlob' | 'fetchBlob'> = {
      storeBlob: async (to, hash, bytes, epoch) =>
        reach(id, to).runtime.blobs.storeForLeader(hash, bytes, epoch),
      fetchBlob: async (from, hash) => reach(id, from).blobs.get(hash),
    };
    const runtime = createCoordinatorRuntime({
      cluster: { self: id, configuration: () => configuration, peers },
      log: log.member(id),
      trainer: createLocalTrainer({ blobs, checkpoints: createCheckpointStore(blobs) }),
      blobs,
      execute() {},
      now: () => performance.now(),
      onFatal: (error) => fatal.push(error),
    });
    members.set(id, { id, runtime, blobs, fatal, isReachable: true });
  }
  log.elect(ids[0]);
  const all = [...members.values()];
  await Promise.all(all.map(({ runtime }) => runtime.start()));
  return {
    log,
    members: all,
    async stop() {
      await Promise.all(all.map(({ runtime }) => runtime.stop()));
    },
  };
}

/** Resolves when `isTrue`; there is no time limit but the test's own. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}
