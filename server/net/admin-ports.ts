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

export interface AdminGatewayDeps {
  readonly clusterId: string;
  /** Version of this build. */
  readonly version: string;
  readonly actions: AdminActions;
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
