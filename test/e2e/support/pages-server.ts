import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import { WebSocketLink } from '../../../server/net/websocket-link.ts';
import type { PublicJob } from '../../../shared/job/public-job.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { projectFolder } from './processes.ts';

const pagesFolder = join(projectFolder, 'dist');
const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};
/** The strictest policy that a coordinator could set; a page that breaks it shows a console error. */
const securityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface PagesServer {
  readonly url: string;
  /** Answer of `GET /v1/jobs`; undefined answers 503. */
  jobs: readonly PublicJob[] | undefined;
  /** Paths asked for, in order. */
  readonly requests: readonly string[];
  /** Ends every WebSocket, as a restart does. */
  dropConnections(): void;
  close(): Promise<void>;
}

export interface PagesServerOptions {
  readonly serveAdmin?: (link: Link) => void;
  readonly exportFile?: (path: string, authorization: string | undefined) => string | undefined;
}

/** Serves the built pages with canned jobs: layout and behaviour of the pages, without a cluster. */
export async function startPagesServer(options: PagesServerOptions = {}): Promise<PagesServer> {
  if (!existsSync(join(pagesFolder, 'browser', 'index.html'))) {
    throw new Error('The pages are not built: run `npm run build` first.');
  }
  const requests: string[] = [];
  const state: { jobs: readonly PublicJob[] | undefined } = { jobs: [] };
  const http = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    requests.push(path);
    if (path === '/v1/jobs') {
      if (state.jobs === undefined) send(response, 503, 'text/plain', 'unavailable');
      else send(response, 200, 'application/json', JSON.stringify({ jobs: state.jobs }));
    } else if (path.startsWith('/v1/exports/')) {
      const body = options.exportFile?.(path, request.headers.authorization);
      send(response, body === undefined ? 404 : 200, 'application/octet-stream', body ?? '');
    } else {
      sendPage(response, path);
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    requests.push(request.url ?? '');
    const { serveAdmin } = options;
    if (request.url !== '/admin-socket' || serveAdmin === undefined) socket.destroy();
    else
      sockets.handleUpgrade(request, socket, head, (webSocket) => serveAdmin(new WebSocketLink(webSocket)));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const dropConnections = (): void => {
    for (const client of sockets.clients) client.terminate();
  };
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    get jobs() {
      return state.jobs;
    },
    set jobs(jobs) {
      state.jobs = jobs;
    },
    requests,
    dropConnections,
    async close() {
      dropConnections();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function sendPage(response: ServerResponse, path: string): void {
  const names: Readonly<Record<string, string>> = { '/': 'browser/index.html', '/admin': 'admin/index.html' };
  const file = normalize(join(pagesFolder, names[path] ?? path));
  if (!file.startsWith(pagesFolder) || !existsSync(file)) send(response, 404, 'text/plain', 'not found');
  else send(response, 200, mediaTypes[extname(file)] ?? 'application/octet-stream', readFileSync(file));
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-security-policy': securityPolicy });
  response.end(body);
}
