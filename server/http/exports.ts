import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GradswarmError } from '../../shared/base/errors.ts';
import { isJobId } from '../../shared/base/ids.ts';
import type { Role } from '../core/commands.ts';
import { type AllowsOrigin, answerPreflight, openToOwnPages } from './cross-origin.ts';

export interface ExportDeps {
  readonly exportsFolder: string;
  /** @throws GradswarmError `unauthenticated`. */
  authenticate(token: string): Role;
  readonly allowsOrigin: AllowsOrigin;
}

const filePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const route = '/v1/exports/:job/:file';

/** Exported models, for admins: `Authorization: Bearer TOKEN`. They lie on the coordinator that wrote them. */
export function addExports(
  app: FastifyInstance,
  { exportsFolder, authenticate, allowsOrigin }: ExportDeps,
): void {
  app.options(route, (request, reply) => answerPreflight(request, reply, allowsOrigin));
  app.get<{ Params: { job: string; file: string } }>(route, async (request, reply) => {
    openToOwnPages(request, reply, allowsOrigin);
    requireAdmin(request, authenticate);
    const { job, file } = request.params;
    const path = isJobId(job) && filePattern.test(file) ? join(exportsFolder, job, file) : undefined;
    const found = path === undefined ? undefined : await statFile(path);
    if (path === undefined || !found) {
      throw new GradswarmError('notFound', `job "${job}" has no exported file "${file}"; export it first`);
    }
    return reply
      .type(file.endsWith('.json') ? 'application/json' : 'application/octet-stream')
      .header('content-length', found.size)
      .header('content-disposition', `attachment; filename="${file}"`)
      .header('cache-control', 'no-store')
      .send(createReadStream(path));
  });
}

function requireAdmin({ headers }: FastifyRequest, authenticate: (token: string) => Role): void {
  const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new GradswarmError('unauthenticated', 'send the admin token as `Authorization: Bearer TOKEN`');
  }
  const role = authenticate(token);
  if (role !== 'admin')
    throw new GradswarmError('forbidden', `exports are for admins; the token is of role ${role}`);
}

async function statFile(path: string): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}
