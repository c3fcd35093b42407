import type { ClusterConfiguration } from './cluster-configuration.ts';

/** Who proposed a command, so that a repeated one is applied once. */
export interface ProposalId {
  readonly clientId: string;
  /** Grows by one with every proposal of this client. */
  readonly sequence: number;
}

/** `proposal` may repeat in the log; `SessionTable` tells the repetition from the first. */
export type EntryBody =
  | { readonly kind: 'command'; readonly proposal: ProposalId; readonly bytes: Uint8Array }
  /** A leader's first entry: only an entry of its own term proves that what lies before it is committed. */
  | { readonly kind: 'noop' }
  /** The whole configuration, effective as soon as it is in a member's log; void again when it is truncated. */
  | { readonly kind: 'configuration'; readonly configuration: ClusterConfiguration };

export interface Entry {
  /** From 1, without gaps. */
  readonly index: number;
  readonly term: number;
  readonly body: EntryBody;
}

/** What an entry counts for against limits in bytes, so that empty commands are limited too. */
export function entryBytes({ body }: Entry): number {
  return entryOverheadBytes + (body.kind === 'command' ? body.bytes.length : 0);
}

const entryOverheadBytes = 64;
