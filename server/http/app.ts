import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { networkOf } from '../../shared/base/network-of.ts';
import { capConnections } from './cap-connections.ts';
import { replyWithError } from './error-reply.ts';
import { addExports, type ExportDeps } from './exports.ts';
import { addPages } from './pages.ts';
import { addJobs, type JobsDeps } from './public-jobs.ts';
import { createSecurityHeaders, permissionsPolicy } from './security-headers.ts';
import { addShards, type ShardDeps } from './shards.ts';

export interface AppDeps extends JobsDeps, ShardDeps, ExportDeps {
  /** Where `vite build` wrote the pages. */
  readonly distFolder: string;
  /** Whether jobs can be served: the log is applied and this coordinator leads or follows. */
  isReady(): boolean;
  /** Plain HTTP when absent. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Take the peer's address from X-Forwarded-For: only behind a proxy that sets it. */
  readonly trustProxy?: boolean;
  readonly logger?: FastifyBaseLogger;
}

const serverOptions = {
  headersTimeout: limits.httpHeadersTimeoutMs,
  requestTimeout: limits.httpRequestTimeoutMs,
  keepAliveTimeout: limits.httpKeepAliveTimeoutMs,
  maxHeaderSize: limits.httpHeaderBytesMax,
};

/** Everything over HTTP: pages, shards, what anyone may read of jobs, exports, health. Never listens by itself. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = createServer(deps);
  app.server.maxConnections = limits.connectionsMax;
  // Behind a proxy everyone has the proxy's address.
  if (deps.trustProxy !== true) capConnections(app.server, limits.socketsPerAddressMax);
  await app.register(
    helmet,
    createSecurityHeaders(() => deps.cluster().coordinatorUrls),
  );
  await app.register(rateLimit, {
    max: limits.httpRequestsPerAddressPerMinuteMax,
    timeWindow: '1 minute',
    keyGenerator: ({ ip }) => networkOf(ip),
    errorResponseBuilder: () => new GradswarmError('rateLimited', 'too many requests; wait a minute'),
  });
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('permissions-policy', permissionsPolicy);
  });
  app.setErrorHandler(replyWithError);
  app.setNotFoundHandler((request) => {
    throw new GradswarmError('notFound', `nothing is at ${request.method} ${request.url.slice(0, 200)}`);
  });

  app.get('/healthz', (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    if (!deps.isReady()) throw new GradswarmError('unavailable', 'the coordinator is starting');
    return reply.header('cache-control', 'no-store').send({ status: 'ready' });
  });
  addJobs(app, deps);
  addShards(app, deps);
  addExports(app, deps);
  await addPages(app, deps.distFolder);
  return app;
}

function createServer({ tls, trustProxy = false, logger }: AppDeps): FastifyInstance {
  const { requestTimeout, keepAliveTimeout } = serverOptions;
  const common = {
    requestTimeout,
    keepAliveTimeout,
    // A reader that takes nothing for so long is cut off; WebSockets have a watch of their own.
    connectionTimeout: limits.slowReaderMs,
    // The proxy's own entry is the last; those before it are the client's to choose.
    trustProxy: trustProxy && ((_address: string, hop: number) => hop === 0),
    bodyLimit: limits.httpBodyBytesMax,
    forceCloseConnections: true,
    ...(logger ? { loggerInstance: logger, disableRequestLogging: true } : {}),
  } as const;
  // Fastify's types tell HTTP from HTTPS; nothing that is built on the instance does.
  return tls
    ? (Fastify({ ...common, https: { ...serverOptions, ...tls } }) as unknown as FastifyInstance)
    : Fastify({ ...common, http: serverOptions });
}
