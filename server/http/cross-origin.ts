import type { FastifyReply, FastifyRequest } from 'fastify';
import { GradswarmError } from '../../shared/base/errors.ts';

/** Whether a page of this origin may read what only admins may read; `host` is the one that was asked. */
export type AllowsOrigin = (origin: string | undefined, host: string | undefined) => boolean;

/** What anyone may read, pages of other coordinators may read too; and isolated pages embed nothing without this. */
export function openToAllPages(reply: FastifyReply): void {
  void reply
    .header('access-control-allow-origin', '*')
    .header('cross-origin-resource-policy', 'cross-origin');
}

/** The page of one coordinator reads from another one. A foreign page gets no header, and its browser keeps the answer. */
export function openToOwnPages(
  request: FastifyRequest,
  reply: FastifyReply,
  allowsOrigin: AllowsOrigin,
): void {
  const { origin, host } = request.headers;
  void reply.header('vary', 'origin');
  if (origin === undefined || !allowsOrigin(origin, host)) return;
  void reply.header('access-control-allow-origin', origin);
}

/** Answers the question that browsers ask before they send a token across origins. @throws GradswarmError `forbidden`. */
export function answerPreflight(
  request: FastifyRequest,
  reply: FastifyReply,
  allowsOrigin: AllowsOrigin,
): FastifyReply {
  const { origin, host } = request.headers;
  if (origin === undefined || !allowsOrigin(origin, host)) {
    throw new GradswarmError('forbidden', 'pages of this origin may not read here');
  }
  openToOwnPages(request, reply, allowsOrigin);
  return reply
    .header('access-control-allow-methods', 'GET')
    .header('access-control-allow-headers', 'authorization')
    .header('access-control-max-age', '600')
    .code(204)
    .send();
}
