import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { GradswarmError } from '../../shared/base/errors.ts';

const pages = { '/': 'browser/index.html', '/admin': 'admin/index.html' } as const;

/**
 * A worker has the content security policy that its script came with. It names the coordinators, and these change; the
 * bytes do not, so that a browser which asks anew is sent the headers alone.
 */
function isAskedForAnew(path: string): boolean {
  return path.endsWith('.html') || /[\\/]worker-entry-[^\\/]*\.js$/.test(path);
}

/** The contributor page at `/`, the control page at `/admin`, and their assets, whose names carry their hash. */
export async function addPages(app: FastifyInstance, distFolder: string): Promise<void> {
  const isBuilt = Object.values(pages).every((file) => existsSync(join(distFolder, file)));
  if (!isBuilt) {
    const missing = `the pages are not built in ${distFolder}; run \`npm run build\` and start again`;
    for (const path of Object.keys(pages)) {
      app.get(path, () => {
        throw new GradswarmError('unavailable', missing);
      });
    }
    return;
  }
  await app.register(fastifyStatic, {
    root: join(distFolder, 'assets'),
    prefix: '/assets/',
    index: false,
    cacheControl: false,
    setHeaders: (reply, path) =>
      reply.header(
        'cache-control',
        isAskedForAnew(path) ? 'no-cache' : 'public, max-age=31536000, immutable',
      ),
  });
  for (const [path, file] of Object.entries(pages)) {
    app.get(path, (_request, reply) => reply.sendFile(file, distFolder));
  }
  app.get('/admin/', (_request, reply) => reply.redirect('../admin', 308));
}
