import type { Command } from 'commander';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { protocolVersion } from '../../shared/protocol/version.ts';
import { checkCoordinatorUrl } from '../node/coordinator-url.ts';
import { readTlsTrust } from '../node/tls-trust.ts';
import { openWebSocketLink } from '../node/websocket-link.ts';

export const defaultUrl = 'http://127.0.0.1:7077';

export interface AdminOptions {
  readonly url: string;
  readonly token?: string;
  readonly ca?: string;
  readonly json?: boolean;
}

/** For a coordinator with a certificate of its own. */
export const caOption = [
  '--ca <file>',
  "PEM file of the coordinator's certificate, where no known authority signed it: DATA/tls/self-signed-cert.pem",
  process.env['GRADSWARM_CA'],
] as const;

/** Options that every command shares which talks to a running coordinator. */
export function withAdminOptions(command: Command): Command {
  return command
    .option('--url <url>', 'address of a coordinator', process.env['GRADSWARM_URL'] ?? defaultUrl)
    .option('--token <token>', 'admin token; better given as GRADSWARM_TOKEN, which other users cannot see')
    .option(...caOption)
    .option('--json', 'one JSON object a line');
}

function adminSocketUrl(url: string): string {
  checkCoordinatorUrl(url);
  const address = new URL('admin-socket', url.endsWith('/') ? url : `${url}/`);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

async function openAdminLink({ url, ca }: AdminOptions): Promise<Link> {
  const trust = ca === undefined ? undefined : readTlsTrust(ca);
  try {
    return await openWebSocketLink(adminSocketUrl(url), undefined, trust);
  } catch (error) {
    if (!(error instanceof GradswarmError) || error.code !== 'unavailable') throw error;
    throw new GradswarmError('unavailable', error.message, '--url');
  }
}

/** Signs in, runs `work`, and closes the connection whatever happens. */
export async function withAdmin<Result>(
  options: AdminOptions,
  work: (client: RpcClient) => Promise<Result>,
): Promise<Result> {
  const token = options.token ?? process.env['GRADSWARM_TOKEN'];
  if (token === undefined) {
    const remedy =
      'give --token or set GRADSWARM_TOKEN; `gradswarm up` and `gradswarm coordinator` print one';
    throw new GradswarmError('unauthenticated', remedy, '--token');
  }
  const link = await openAdminLink(options);
  try {
    const client = createRpcClient(link);
    await client.unary(adminService.method.signIn, { protocolVersion, token });
    return await work(client);
  } finally {
    link.close(1000, 'done');
  }
}
