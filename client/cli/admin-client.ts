import type { Command } from 'commander';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { RpcClient } from '../../shared/protocol/rpc-client.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import { readCoordinatorUrls } from '../node/coordinator-url.ts';
import { readTlsTrust } from '../node/tls-trust.ts';
import { openWebSocketLink, webSocketUrl } from '../node/websocket-link.ts';
import { type AdminFollower, type Answering, createAdminFollower } from './admin-follower.ts';

export const defaultUrl = 'http://127.0.0.1:7077';

export interface AdminOptions {
  /** As typed; `readCoordinatorUrls` reads them. */
  readonly url: readonly string[];
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
  const defaults: readonly string[] = [process.env['GRADSWARM_URL'] ?? defaultUrl];
  const collect = (text: string, previous: readonly string[]): readonly string[] =>
    previous === defaults ? [text] : [...previous, text];
  return command
    .option(
      '--url <url>',
      'address of a coordinator; of a cluster give several, with commas: the leader is found',
      collect,
      defaults,
    )
    .option('--token <token>', 'admin token; better given as GRADSWARM_TOKEN, which other users cannot see')
    .option(...caOption)
    .option('--json', 'one JSON object a line');
}

/** @throws GradswarmError `badRequest` or `unauthenticated` naming the option. */
export function openAdminFollower({ url, token: given, ca }: AdminOptions): AdminFollower {
  const token = given ?? process.env['GRADSWARM_TOKEN'];
  if (token === undefined) {
    const remedy =
      'give --token or set GRADSWARM_TOKEN; `gradswarm up` and `gradswarm coordinator` print one';
    throw new GradswarmError('unauthenticated', remedy, '--token');
  }
  const trust = ca === undefined ? undefined : readTlsTrust(ca);
  return createAdminFollower({
    urls: readCoordinatorUrls(url),
    token,
    async openLink(base) {
      try {
        return await openWebSocketLink(webSocketUrl(base, 'admin-socket'), undefined, trust);
      } catch (error) {
        if (!(error instanceof GradswarmError) || error.code !== 'unavailable') throw error;
        throw new GradswarmError('unavailable', error.message, '--url');
      }
    },
    timers: systemTimers,
    chance: Math.random,
  });
}

/** Runs `work` at the coordinator that leads; see `AdminFollower.run`. */
export async function withAdmin<Result>(
  options: AdminOptions,
  work: (client: RpcClient) => Promise<Result>,
  answering?: Answering,
): Promise<Result> {
  return openAdminFollower(options).run(work, answering);
}
