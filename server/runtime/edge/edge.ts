import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import { aggregatorOf } from '../../../shared/job/check-aggregator.ts';
import { keepsVectors } from '../../../shared/sync/aggregators/aggregators.ts';
import type { CoordinatorState } from '../../core/coordinator-state.ts';
import type { CoordinatorId, LeaseGrant, StoreRound } from '../../core/effect-values.ts';
import type { CallRef, Effect, Event, WorkerEvent } from '../../core/events.ts';
import type { Answer } from '../call-table.ts';
import type { Peers, RelayHandlers } from '../peers.ts';
import type { PartialSum, Trainer } from '../ports.ts';
import { createCollectSums } from './collect-sums.ts';
import { createEdgeSums } from './edge-sums.ts';
import { createRelayClient, type RelayClient } from './relay-client.ts';
import { createRelayHost, type RelayHost } from './relay-host.ts';
import type { RelayedRole, SumRequest } from './relay-messages.ts';

type EdgePeers = Pick<Peers, 'openRelay' | 'relay' | 'collectSum'>;

export interface EdgeDependencies {
  readonly self: CoordinatorId;
  readonly state: CoordinatorState;
  readonly trainer: Pick<Trainer, 'reduceAtEdge' | 'edgeSum' | 'checkSum'>;
  readonly peers: EdgePeers;
  /** Who leads, as far as is known here. */
  leader(): CoordinatorId | undefined;
  call(makeEvent: (call: CallRef) => Event): { readonly call: CallRef; readonly answer: Promise<Answer> };
  post(event: Event): void;
  /** The leader does not take this coordinator's workers any more. */
  onEnded(error: GradswarmError): void;
  onDisconnect(effect: Extract<Effect, { kind: 'disconnect' }>): void;
  onFatal(error: unknown): void;
}

/** Both ends of relays: whichever a coordinator is, it may be the other after the next election. */
export interface Edge {
  readonly handlers: RelayHandlers;
  /** For workers that came to this coordinator while another leads. */
  readonly core: {
    readonly isOpen: boolean;
    epoch(): number;
    call(makeEvent: (call: CallRef) => WorkerEvent): ReturnType<RelayClient['call']>;
    post(event: WorkerEvent): void;
    /** Resolves when this coordinator holds what the lease's unit is computed from, or after a while. */
    arrived(lease: LeaseGrant): Promise<void>;
  };
  execute(effect: Effect): boolean;
  collect(effect: StoreRound): Promise<readonly PartialSum[] | undefined>;
  dropToken(tokenId: string): void;
  leadershipLost(): void;
  close(): Promise<void>;
}

export function createEdge(deps: EdgeDependencies): Edge {
  const { self, state, peers } = deps;
  const host = createRelayHost({
    epoch: () => state.epoch,
    call: deps.call,
    post: deps.post,
    tokenOf: (hash) => tokenOf(state, hash),
  });
  const sums = createEdgeSums(deps.trainer);
  const client = createRelayClient({
    leader() {
      const leader = state.epoch === undefined ? deps.leader() : undefined;
      return leader === self ? undefined : leader;
    },
    peers,
    isSummed: (jobId) => isSummed(state, jobId),
    reduce: sums.reduce,
    onEnded: () =>
      deps.onEnded(new GradswarmError('unavailable', 'the leader has changed, or cannot be reached')),
    onDisconnect: deps.onDisconnect,
    onFatal: deps.onFatal,
  });
  return {
    handlers: handlersOf(host, client, sums.collect),
    core: {
      get isOpen() {
        return client.relay !== undefined;
      },
      epoch: () => client.relay?.epoch ?? 0,
      call: client.call,
      post: client.post,
      arrived: (lease) => waitUntil(() => holds(state, lease)),
    },
    execute: host.execute,
    collect: createCollectSums({ state, host, peers, trainer: deps.trainer, post: deps.post }),
    dropToken: host.dropToken,
    leadershipLost: host.endAll,
    close: client.close,
  };
}

function handlersOf(
  host: RelayHost,
  client: RelayClient,
  collect: (request: SumRequest) => Promise<Uint8Array>,
): RelayHandlers {
  return {
    openRelay: host.open,
    relay: host.receive,
    async collectSum(_, request) {
      const { relay } = client;
      if (relay?.epoch === request.epoch && relay.session === request.session) return collect(request);
      throw new GradswarmError('conflict', 'the relay that this was summed for is over');
    },
  };
}

function tokenOf({ replicated }: CoordinatorState, hash: BlobHash) {
  for (const { tokenId, tokenHash, role } of replicated.tokens.values()) {
    if (tokenHash === hash) return { tokenId, role: role as RelayedRole };
  }
  return undefined;
}

/** Aggregators that look at every contribution need them at the leader. */
function isSummed({ replicated }: CoordinatorState, jobId: JobId): boolean {
  const job = replicated.jobs.get(jobId);
  return job !== undefined && !keepsVectors(aggregatorOf(job.document));
}

function holds({ replicated, replicas }: CoordinatorState, { jobId, version }: LeaseGrant): boolean {
  return replicated.jobs.has(jobId) && (replicas.get(jobId)?.version ?? -1) >= version;
}

async function waitUntil(isDone: () => boolean): Promise<void> {
  const endMs = performance.now() + limits.parameterWaitMs;
  while (!isDone() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, limits.edgePollMs));
  }
}
