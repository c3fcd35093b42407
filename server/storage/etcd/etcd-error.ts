import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

/** Why etcd did not do what it was asked, as far as the log tells cases apart. */
export type EtcdReason =
  /** No answer, or none that tells whether the request was carried out: ask again, or ask another member. */
  | 'unreachable'
  | 'noSpace'
  | 'unauthenticated'
  | 'forbidden'
  | 'tooLarge'
  | 'unsupported'
  /** The revision that was asked for is no longer kept. */
  | 'compacted'
  | 'noLease'
  | 'unexpected';

const codeOf: Readonly<Record<EtcdReason, ErrorCode>> = {
  unreachable: 'unavailable',
  noSpace: 'unavailable',
  unauthenticated: 'unauthenticated',
  forbidden: 'forbidden',
  tooLarge: 'tooLarge',
  unsupported: 'unsupportedProtocol',
  compacted: 'unavailable',
  noLease: 'unavailable',
  unexpected: 'unavailable',
};

export class EtcdError extends GradswarmError {
  readonly reason: EtcdReason;

  constructor(reason: EtcdReason, message: string) {
    super(codeOf[reason], message);
    this.name = 'EtcdError';
    this.reason = reason;
  }
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof EtcdError && error.reason === 'unreachable';
}

/** Until the same is asked again: soon for what may pass, later for what an operator has to mend. */
export function retryDelayMs(error: unknown): number {
  return isUnreachable(error) ? limits.etcdRetryDelayMs : limits.etcdRefusedDelayMs;
}

/** Whether a change that was answered so was certainly not made. */
export function isRefusal({ reason }: EtcdError): boolean {
  return (
    reason === 'noSpace' || reason === 'unauthenticated' || reason === 'forbidden' || reason === 'tooLarge'
  );
}

/** Codes of gRPC, which etcd's gateway puts into the body of an error. */
const grpc = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** etcd's own words for cases that share their code with others. */
const databaseFull = /database space exceeded/;
const tokenRefused = /invalid auth token|auth: revision in header is old/;
const userMissing = /user name is empty|authentication failed|authentication is not enabled/;
const requestTooLarge = /request is too large|received message larger than max/;

/** An error answer of the member at `endpoint`. */
export function errorOfAnswer(endpoint: string, status: number, text: string): EtcdError {
  const { code, message } = readBody(text);
  const said = `etcd at ${endpoint} answered: ${message || `HTTP ${status}`}`;
  if (databaseFull.test(message)) {
    return new EtcdError(
      'noSpace',
      `${said}. Its quota is used up (alarm NOSPACE), so nothing can be changed: compact and defragment etcd, or ` +
        'raise --quota-backend-bytes, then run etcdctl alarm disarm.',
    );
  }
  if (code === grpc.unauthenticated || tokenRefused.test(message) || userMissing.test(message)) {
    return new EtcdError(
      'unauthenticated',
      `${said}. Give the coordinator the name and the password of a user of etcd, or none where etcd has none.`,
    );
  }
  if (code === grpc.permissionDenied) {
    return new EtcdError(
      'forbidden',
      `${said}. Give its user a role that may read and write every key below the prefix.`,
    );
  }
  if (requestTooLarge.test(message)) {
    return new EtcdError(
      'tooLarge',
      `${said}. Start etcd with --max-request-bytes of at least ${limits.etcdRequestBytesMax}.`,
    );
  }
  if (code === grpc.outOfRange) return new EtcdError('compacted', said);
  if (code === grpc.notFound && /lease/.test(message)) return new EtcdError('noLease', said);
  if (mayPass(code, status)) return new EtcdError('unreachable', said);
  return new EtcdError('unexpected', message === '' ? `${said}. Correct the address of etcd.` : said);
}

/** A member without a leader, an overloaded one, or a proxy before it: the same request may succeed elsewhere. */
function mayPass(code: number | undefined, status: number): boolean {
  if (code === undefined) return status >= 500 || status === 429;
  return (
    code === grpc.unknown ||
    code === grpc.deadlineExceeded ||
    code === grpc.resourceExhausted ||
    code === grpc.aborted ||
    code === grpc.unavailable
  );
}

function readBody(text: string): { readonly code: number | undefined; readonly message: string } {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null) return { code: undefined, message: '' };
    // A stream wraps its error once more.
    const inner =
      'error' in body && typeof body.error === 'object' && body.error !== null ? body.error : body;
    const code = 'code' in inner && typeof inner.code === 'number' ? inner.code : undefined;
    const stated = 'grpc_code' in inner && typeof inner.grpc_code === 'number' ? inner.grpc_code : code;
    const message = 'message' in inner && typeof inner.message === 'string' ? inner.message : '';
    return { code: stated, message: message.slice(0, limits.textCharactersMax) };
  } catch {
    return { code: undefined, message: '' };
  }
}

/** What `fetch` rejected with, in words. */
export function errorOfFetch(endpoint: string, error: unknown): EtcdError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'the host is not known',
    ECONNRESET: 'the connection was cut',
  };
  const message = words[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new EtcdError('unreachable', `${endpoint}: ${message}`);
}
