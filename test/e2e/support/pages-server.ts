import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../../../server/http/app.ts';
import { createAdmission } from '../../../server/net/admission.ts';
import { createOriginPolicy } from '../../../server/net/origin-policy.ts';
import { attachWebSockets } from '../../../server/net/websocket-server.ts';
import { aloneInCluster, type ClusterView } from '../../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { PublicJob } from '../../../shared/job/public-job.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { adminToken } from '../../support/canned-admin.ts';
import { projectFolder } from './processes.ts';

const distFolder = join(projectFolder, 'dist');

export interface PagesServer {
  readonly url: string;
  /** Answer of `GET /v1/jobs`; undefined makes the coordinator fail. */
  jobs: readonly PublicJob[] | undefined;
  /** What it says of its cluster; alone at first. */
  cluster: ClusterView;
  /** Ends every WebSocket, as a restart does. */
  dropConnections(): void;
  close(): Promise<void>;
}

/**
 * The coordinator's own HTTP and WebSocket servers over the built pages, with canned jobs behind them: every state of
 * the pages, without a cluster. `exports` are files by `job/file`.
 */
export async function startPagesServer(
  serveAdmin: (link: Link) => void,
  exports: Readonly<Record<string, string>> = {},
): Promise<PagesServer> {
  if (!existsSync(join(distFolder, 'browser', 'index.html'))) {
    throw new Error('The pages are not built: run `npm run build` first.');
  }
  const exportsFolder = mkdtempSync(join(tmpdir(), 'gradswarm-pages-'));
  for (const [path, text] of Object.entries(exports)) {
    mkdirSync(join(exportsFolder, path, '..'), { recursive: true });
    writeFileSync(join(exportsFolder, path), text);
  }
  const links = new Set<Link>();
  const state: { jobs: readonly PublicJob[] | undefined; cluster: ClusterView } = {
    jobs: [],
    cluster: aloneInCluster,
  };
  const allowsOrigin = createOriginPolicy({
    allowed: [],
    loopbackOnly: true,
    coordinatorUrls: () => state.cluster.coordinatorUrls,
  });
  const app = await buildApp({
    distFolder,
    exportsFolder,
    authenticate(token) {
      if (token === adminToken) return 'admin';
      throw new GradswarmError('unauthenticated', 'the token is unknown');
    },
    jobs() {
      if (state.jobs !== undefined) return state.jobs;
      throw new GradswarmError('unavailable', 'the coordinator is starting');
    },
    cluster: () => state.cluster,
    allowsOrigin,
    isReady: () => true,
    datasets: () => [],
    fetchIfMissing: async () => {},
    blobs: {
      get(hash) {
        throw new GradswarmError('notFound', hash);
      },
    },
  });
  const sockets = attachWebSockets(app.server, {
    admission: createAdmission(),
    allowsOrigin,
    gateways: {
      '/admin-socket': {
        serve(link) {
          links.add(link);
          serveAdmin(link);
        },
      },
    },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`,
    get jobs() {
      return state.jobs;
    },
    set jobs(jobs) {
      state.jobs = jobs;
    },
    get cluster() {
      return state.cluster;
    },
    set cluster(cluster) {
      state.cluster = cluster;
    },
    dropConnections() {
      for (const link of links) link.close(4503, 'unavailable: restart');
      links.clear();
    },
    async close() {
      await sockets.close();
      await app.close();
      rmSync(exportsFolder, { recursive: true, force: true });
    },
  };
}
