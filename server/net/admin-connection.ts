import type { GradswarmError } from '../../shared/base/errors.ts';

/** What the gateway knows of one connection; `tokenId` is set once the admin has signed in. */
export interface AdminConnection {
  tokenId: string | undefined;
  /** Its own change of the cluster is under way, which may be what ends the leadership: it waits for the answer. */
  isChangingCluster: boolean;
  close(error: GradswarmError): void;
}
