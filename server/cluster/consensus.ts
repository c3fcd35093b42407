import type { ClusterView } from '../../shared/base/cluster-view.ts';
import type { ClusterActions } from '../net/admin-ports.ts';
import type { NodeId } from '../raft/cluster-configuration.ts';
import type { ClusterAccess } from '../runtime/coordinator-runtime.ts';
import type { PeerHandlers, Peers } from '../runtime/peers.ts';
import type { ReplicatedLog } from '../runtime/ports.ts';

/** What the coordinator gives once it is built: how it is reached, and what it does for others. */
export interface OwnSide {
  readonly clientUrl: string;
  readonly handlers: Omit<PeerHandlers, 'onMessage'>;
}

/** How this coordinator agrees with others: the log, and who they are. */
export interface Consensus {
  readonly log: ReplicatedLog;
  readonly access: ClusterAccess;
  readonly relays: Pick<Peers, 'openRelay' | 'relay' | 'collectSum'>;
  /** Who leads, as far as is known here: this coordinator, or another. */
  leader(): NodeId | undefined;
  /** Nobody else has a say: it leads as soon as it has read its log. */
  isAlone(): boolean;
  /** Where members are reached; `leads` as the core has it. */
  view(leads: boolean): ClusterView;
  actions(takeSnapshot: ClusterActions['snapshot']): ClusterActions;
  /** Speaks with the others from now on. @throws GradswarmError `portInUse`, `badRequest`. */
  connect(own: OwnSide): Promise<void>;
  /** Nothing is said any more; the log is closed by whoever reads it. */
  disconnect(): Promise<void>;
}

export interface ConsensusEvents {
  onFatal(error: unknown): void;
  onDefect(error: unknown, what: string): void;
  /** What operators should read. */
  report(level: 'info' | 'warn' | 'error', message: string): void;
}
