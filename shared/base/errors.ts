/**
 * Every expected failure, in one table. The code travels on the wire and in CLI output; `retryable` tells a
 * worker whether the same request may succeed later; `status` is the HTTP status where the code meets HTTP.
 */
export const errorTable = {
  badRequest: {
    status: 400,
    retryable: false,
    meaning: 'A field of the request is missing or out of range.',
  },
  unauthenticated: { status: 401, retryable: false, meaning: 'The token is missing, unknown or revoked.' },
  forbidden: { status: 403, retryable: false, meaning: 'The token is valid, but its role may not do this.' },
  notFound: { status: 404, retryable: false, meaning: 'Nothing is known under this name.' },
  conflict: {
    status: 409,
    retryable: false,
    meaning: 'The name is taken, or the state does not allow this.',
  },
  tooLarge: { status: 413, retryable: false, meaning: 'A message, payload or file exceeds its limit.' },
  rateLimited: { status: 429, retryable: true, meaning: 'Too many requests; wait and try again.' },
  unavailable: { status: 503, retryable: true, meaning: 'The coordinator cannot serve this now; try again.' },
  notLeader: {
    status: 421,
    retryable: true,
    meaning: 'Another coordinator leads; connect to the one that the answer names.',
  },
  internal: {
    status: 500,
    retryable: false,
    meaning: 'The coordinator met an unexpected error; see its log.',
  },
  unsupportedProtocol: { status: 426, retryable: false, meaning: 'The protocol version is not spoken here.' },
  malformedFrame: { status: 400, retryable: false, meaning: 'A frame cannot be decoded.' },
  checksumMismatch: { status: 400, retryable: true, meaning: 'A payload does not match its checksum.' },
  notRegistered: {
    status: 401,
    retryable: true,
    meaning: 'The call needs a registered worker on this connection.',
  },
  unknownJob: { status: 404, retryable: false, meaning: 'No job has this name.' },
  jobNotRunning: { status: 409, retryable: true, meaning: 'The job is paused, finished or cancelled.' },
  unknownLease: { status: 409, retryable: true, meaning: 'The lease does not exist, or is not yours.' },
  leaseExpired: { status: 409, retryable: true, meaning: 'The deadline of the lease has passed.' },
  staleEpoch: { status: 409, retryable: true, meaning: 'The lease was given by an earlier leader.' },
  wrongRound: { status: 409, retryable: true, meaning: 'The round is already closed, or not open yet.' },
  wrongVersion: {
    status: 409,
    retryable: true,
    meaning: 'The contribution was computed from other parameters.',
  },
  tooStale: {
    status: 409,
    retryable: true,
    meaning: 'The contribution was computed from parameters that are too many rounds old.',
  },
  wrongManifest: {
    status: 409,
    retryable: false,
    meaning: 'The shapes of the update are not those of the job.',
  },
  wrongCodec: { status: 400, retryable: false, meaning: 'The job does not use this codec.' },
  wrongLength: {
    status: 400,
    retryable: false,
    meaning: 'The payload is shorter or longer than its header says.',
  },
  duplicate: { status: 409, retryable: true, meaning: 'This unit is already counted.' },
  notFinite: { status: 400, retryable: false, meaning: 'The update holds NaN or an infinity.' },
  normTooLarge: { status: 400, retryable: false, meaning: 'The update is larger than the job allows.' },
  tooFewMembers: {
    status: 409,
    retryable: true,
    meaning: 'The aggregator needs more contributions than a round has.',
  },
  selfTestFailed: { status: 409, retryable: false, meaning: 'The device computes wrong values.' },
  quarantined: { status: 403, retryable: false, meaning: 'The worker was set aside after repeated faults.' },
  wrongChunk: {
    status: 409,
    retryable: true,
    meaning: 'This part of the sum was not due in the ring.',
  },
  staleRing: {
    status: 409,
    retryable: true,
    meaning: 'The ring has another epoch, or another member was asked.',
  },
  hashMismatch: { status: 409, retryable: true, meaning: 'Bytes do not match the hash that names them.' },
  dataInvalid: { status: 400, retryable: false, meaning: 'A data file is malformed.' },
  dataFolderLocked: { status: 409, retryable: false, meaning: 'Another process uses the data folder.' },
  dataFolderVersion: {
    status: 409,
    retryable: false,
    meaning: 'The data folder was written by another version.',
  },
  corrupted: { status: 500, retryable: false, meaning: 'Stored bytes fail their checksum.' },
  portInUse: { status: 409, retryable: false, meaning: 'Another program listens on the port.' },
  unreachable: {
    status: 503,
    retryable: true,
    meaning: 'No direct way to the next member of the ring was found.',
  },
  connectionLost: { status: 503, retryable: true, meaning: 'The connection ended before the answer came.' },
  cancelled: { status: 499, retryable: false, meaning: 'The caller gave up.' },
} as const;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** An expected failure: a code of the table, a message that names the remedy, and the field where one is at fault. */
export class GradswarmError extends Error {
  readonly code: ErrorCode;
  /** Path of the field at fault, such as `model.heads` or `line 17, column price`. */
  readonly field: string | undefined;
  /** With `notLeader`: base address of the coordinator that leads, where it is known. */
  readonly redirectUrl: string | undefined;

  constructor(code: ErrorCode, message: string, field?: string, redirectUrl?: string) {
    super(message);
    this.name = 'GradswarmError';
    this.code = code;
    this.field = field;
    this.redirectUrl = redirectUrl;
  }
}
