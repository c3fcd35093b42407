import type { ClusterView } from '../../shared/base/cluster-view.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import type { PayloadBudget } from '../../shared/protocol/payload-in.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import type { Role } from '../core/commands.ts';
import type { CoordinatorState } from '../core/coordinator-state.ts';

/** What an admin may have done. Each resolves when the change is committed. */
export interface AdminActions {
  submitJob(documentText: string): Promise<{ readonly jobId: string; readonly parameters: number }>;
  controlJob(jobId: string, action: string): Promise<void>;
  /** Returns in words what the next rounds are run by. */
  changeStrategy(jobId: string, documentText: string): Promise<string>;
  exportJob(jobId: string): Promise<{
    readonly directory: string;
    readonly files: readonly string[];
    readonly parametersHash: string;
    readonly version: number;
  }>;
  /** The gateway has checked that `hash` is that of `bytes`. False when the blob was there already. */
  putBlob(hash: BlobHash, bytes: Uint8Array): boolean;
  /** Returns the name. */
  registerDataset(manifestText: string): Promise<string>;
  createToken(name: string, role: Role): Promise<{ readonly token: string; readonly tokenId: string }>;
  revokeToken(tokenId: string): Promise<void>;
}

/** One coordinator of the cluster, as another one knows it. What is not known is absent. */
export interface ClusterMemberView {
  readonly id: string;
  /** `host:port` where its peers reach it; empty without peers. */
  readonly address: string;
  readonly clientUrl: string | undefined;
  readonly role: 'leader' | 'candidate' | 'follower' | 'learner';
  readonly isConnected: boolean;
  readonly term?: number;
  readonly commit?: number;
  /** Entries of the leader's log that it has not stored yet. */
  readonly lag?: number;
}

export interface ClusterStatusView {
  /** Of the coordinator that answers. */
  readonly nodeId: string;
  readonly consensus: 'single' | 'raft' | 'etcd';
  readonly leaderId: string | undefined;
  readonly term: number;
  readonly commit: number;
  readonly members: readonly ClusterMemberView[];
}

/**
 * What an operator may do to the cluster. Ids and addresses are well-formed when they come here. Each rejects with a
 * `GradswarmError` that says what is missing: `notLeader`, `notFound` for a member that is none, `conflict` where the
 * state of the cluster does not allow it, `unavailable` when it could not be done in time.
 */
export interface ClusterActions {
  status(): Promise<ClusterStatusView>;
  /** Resolves when the new member has caught up and votes. The signal ends the waiting, not the change. */
  add(id: string, address: string, signal: AbortSignal): Promise<void>;
  /** The leader may remove itself: it hands over first. */
  remove(id: string): Promise<void>;
  /** Resolves with the id of the new leader; without `to`, whoever is best prepared. */
  transfer(to: string | undefined): Promise<string>;
  /** Of this coordinator, whether it leads or not: the last entry covered, and the size. */
  snapshot(): Promise<{ readonly index: number; readonly bytes: number }>;
}

export interface AdminGatewayDeps {
  readonly clusterId: string;
  /** Version of this build. */
  readonly version: string;
  readonly actions: AdminActions;
  readonly clusterActions: ClusterActions;
  cluster(): ClusterView;
  /** For pure views. */
  state(): CoordinatorState;
  /** Wall clock, as the core's events have it. */
  nowMs(): number;
  /** A token was revoked here: its connections are to be closed. */
  onTokenRevoked(tokenId: string): void;
  onDefect(error: unknown, method: string): void;
  readonly checksum?: Checksum;
  readonly timers?: Timers;
  readonly budget?: PayloadBudget;
}
