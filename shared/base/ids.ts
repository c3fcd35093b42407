/**
 * Branded strings, so that a worker's id cannot be passed where a job's is meant.
 * The brand exists only in types; at run time every id is a plain string.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Name of a job: `[a-z0-9][a-z0-9-]{0,62}`, unique in a cluster. */
export type JobId = Branded<'JobId'>;
/** Random id that a coordinator gives to a connected worker. */
export type WorkerId = Branded<'WorkerId'>;
/** Id of one lease; a contribution must quote it. */
export type LeaseId = Branded<'LeaseId'>;
/** Lower-case hexadecimal SHA-256 of a blob's bytes: 64 characters. */
export type BlobHash = Branded<'BlobHash'>;

const jobIdPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const blobHashPattern = /^[0-9a-f]{64}$/;
const nodeIdPattern = /^[a-z0-9-]{1,32}$/;

export function isJobId(text: string): text is JobId {
  return jobIdPattern.test(text);
}

export function isBlobHash(text: string): text is BlobHash {
  return blobHashPattern.test(text);
}

/** Whether the text may name a coordinator of a cluster. */
export function isNodeId(text: string): boolean {
  return nodeIdPattern.test(text);
}

export const asWorkerId = (text: string): WorkerId => text as WorkerId;
export const asLeaseId = (text: string): LeaseId => text as LeaseId;
export const asJobId = (text: string): JobId => text as JobId;
export const asBlobHash = (text: string): BlobHash => text as BlobHash;
