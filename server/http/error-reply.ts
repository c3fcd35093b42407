import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, GradswarmError } from '../../shared/base/errors.ts';

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly field?: string };
}

export function errorBody(error: GradswarmError): ErrorBody {
  const { code, message, field } = error;
  return { error: { code, message, ...(field === undefined ? {} : { field }) } };
}

/** HTTP's own refusals, such as a malformed header, by the nearest row of the error table. */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  404: 'notFound',
  413: 'tooLarge',
  429: 'rateLimited',
  503: 'unavailable',
};

/** One shape for every failure: a code of the error table, its status, and a message. */
export function replyWithError(
  error: FastifyError | GradswarmError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = toGradswarmError(error);
  if (known.code === 'internal') request.log.error({ err: error }, 'unexpected error');
  void reply.code(errorTable[known.code].status).send(errorBody(known));
}

function toGradswarmError(error: FastifyError | GradswarmError | Error): GradswarmError {
  if (error instanceof GradswarmError) return error;
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status >= 400 && status < 500) {
    return new GradswarmError(codesByStatus[status] ?? 'badRequest', error.message);
  }
  if (status === 503) return new GradswarmError('unavailable', error.message);
  return new GradswarmError('internal', errorTable.internal.meaning);
}
