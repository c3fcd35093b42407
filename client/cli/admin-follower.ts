import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import {
  type CoordinatorDirectory,
  createCoordinatorDirectory,
} from '../../shared/protocol/coordinator-directory.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService } from '../../shared/protocol/services.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import { protocolVersion } from '../../shared/protocol/version.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import { reconnectDelayMs } from '../web/reconnect-delay.ts';

export interface AdminFollowerOptions {
  /** As `coordinatorUrl` writes them. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly openLink: (url: string) => Promise<Link>;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
}

/** Where a call may be answered: by the leader alone, or by any coordinator while no leader can be reached. */
export type Answering = 'leader' | 'any';

/** The commands' way to the coordinator that leads. */
export interface AdminFollower {
  /**
   * Signs in, runs `work`, and closes the connection whatever happens. `work` is run again elsewhere when it was refused
   * because its coordinator leads no longer, and for no other reason: it must bear that.
   */
  run<Result>(work: (client: RpcClient) => Promise<Result>, answering?: Answering): Promise<Result>;
}

type Attempt<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'elsewhere'; readonly why: GradswarmError };

export function createAdminFollower(options: AdminFollowerOptions): AdminFollower {
  const { timers, chance } = options;
  const directory = createCoordinatorDirectory(options.urls);

  const pause = (count: number): Promise<void> =>
    new Promise((resolve) => {
      timers.after(reconnectDelayMs(count, chance()), resolve);
    });

  return {
    async run(work, answering = 'leader') {
      const startedAtMs = timers.nowMs();
      let refusals: GradswarmError[] = [];
      let followerUrl: string | undefined;
      for (let pauses = 0; ; ) {
        const { url, pauseFirst } = directory.next();
        if (pauseFirst && refusals.length > 0) {
          if (answering === 'any' && followerUrl !== undefined) return runAt(followerUrl, options, work);
          const isLate = timers.nowMs() - startedAtMs > limits.leaderWaitMs;
          if (isLate || !refusals.some(isElection)) throw worst(refusals);
          refusals = [];
          await pause(pauses++);
        }
        const attempt = await tryAt(url, options, directory, work);
        if (attempt.kind === 'done') {
          directory.settled();
          return attempt.result;
        }
        if (attempt.why.code === 'notLeader') followerUrl = url;
        refusals.push(attempt.why);
      }
    },
  };
}

/** One coordinator: does the work there, or says why it is to be done elsewhere. @throws what ends the search. */
async function tryAt<Result>(
  url: string,
  options: AdminFollowerOptions,
  directory: CoordinatorDirectory,
  work: (client: RpcClient) => Promise<Result>,
): Promise<Attempt<Result>> {
  const elsewhere = (why: GradswarmError): Attempt<Result> => ({ kind: 'elsewhere', why });
  const sentTo = (leaderUrl: string | undefined): Attempt<Result> => {
    const doubt = directory.redirected(url, leaderUrl);
    if (doubt !== undefined)
      return elsewhere(new GradswarmError('forbidden', `${url} does not lead; ${doubt}`, '--url'));
    return elsewhere(
      new GradswarmError('notLeader', 'no coordinator leads at the moment; try again soon', '--url'),
    );
  };
  let link: Link | undefined;
  let isAsked = false;
  try {
    link = await options.openLink(url);
    const client = createRpcClient(link, { timers: systemTimers });
    const signedIn = await signIn(client, options.token);
    directory.accepted(url, signedIn.coordinators);
    if (!signedIn.isLeader) return sentTo(signedIn.leaderUrl || undefined);
    isAsked = true;
    return { kind: 'done', result: await work(client) };
  } catch (error) {
    if (!(error instanceof GradswarmError)) throw error;
    if (error.code === 'notLeader') return sentTo(error.redirectUrl);
    directory.failed(url);
    // Nothing was asked for yet, so nothing happens twice; and another coordinator may know a token that has not come here.
    if (!isAsked || error.code === 'unauthenticated') return elsewhere(error);
    throw error;
  } finally {
    link?.close(1000, 'done');
  }
}

async function runAt<Result>(
  url: string,
  { openLink, token }: AdminFollowerOptions,
  work: (client: RpcClient) => Promise<Result>,
): Promise<Result> {
  const link = await openLink(url);
  try {
    const client = createRpcClient(link, { timers: systemTimers });
    await signIn(client, token);
    return await work(client);
  } finally {
    link.close(1000, 'done');
  }
}

async function signIn(client: RpcClient, token: string) {
  const options = { timeoutMs: limits.pageRequestTimeoutMs };
  return (await client.unary(adminService.method.signIn, { protocolVersion, token }, options)).message;
}

function isElection({ code }: GradswarmError): boolean {
  return code === 'notLeader';
}

/** The one that a person can do most about. */
function worst(refusals: readonly GradswarmError[]): GradswarmError {
  const ranking = ['unauthenticated', 'forbidden', 'notLeader'];
  const rankOf = ({ code }: GradswarmError): number => {
    const rank = ranking.indexOf(code);
    return rank < 0 ? ranking.length : rank;
  };
  return refusals.reduce((kept, next) => (rankOf(next) < rankOf(kept) ? next : kept));
}
