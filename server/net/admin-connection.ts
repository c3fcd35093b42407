import type { GradswarmError } from '../../shared/base/errors.ts';

/** What the gateway knows of one connection; `tokenId` is set once the admin has signed in. */
export interface AdminConnection {
  tokenId: string | undefined;
  close(error: GradswarmError): void;
}
