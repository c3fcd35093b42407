import { type ReadonlySignal, signal } from '@preact/signals';
import { type ErrorCode, GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { createCoordinatorDirectory } from '../../shared/protocol/coordinator-directory.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { protocolVersion } from '../../shared/protocol/version.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import { reconnectDelayMs } from '../web/reconnect-delay.ts';

export type ConnectionState = 'signedOut' | 'connecting' | 'connected' | 'reconnecting';

/**
 * The signed-in connection to the coordinator that leads. It comes back by itself, to whichever leads then, until the
 * token is refused or `signOut`.
 */
export interface Connection {
  readonly state: ReadonlySignal<ConnectionState>;
  /** Base address of the coordinator that is connected to, or was last; empty before. */
  readonly url: ReadonlySignal<string>;
  /** Base addresses of all coordinators; empty when there is only one. */
  readonly coordinatorUrls: ReadonlySignal<readonly string[]>;
  /** Why there is no connection, where more can be said than that; else empty. */
  readonly trouble: ReadonlySignal<string>;
  /** Why the last sign-in was refused; empty when it was not. */
  readonly refusal: ReadonlySignal<string>;
  /** Grows with every connection: what was fetched over an earlier one may be old. */
  readonly generation: ReadonlySignal<number>;
  readonly token: ReadonlySignal<string>;
  signIn(token: string): void;
  signOut(): void;
  /** @throws GradswarmError `connectionLost` while there is none. */
  client(): RpcClient;
}

const finalCodes: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'unsupportedProtocol'];

/** Somebody watches this page, and admins are few: the pauses stop growing at four seconds. */
const delayDoublingsMax = 4;

export interface ConnectionOptions {
  /** Base address of the coordinator that served the page. */
  readonly homeUrl: string;
  readonly openLink: (url: string, signal: AbortSignal) => Promise<Link>;
  /** Told of every token that was accepted, and of the empty one when it is to be forgotten. */
  readonly remember: (token: string) => void;
}

export function createConnection({ homeUrl, openLink, remember }: ConnectionOptions): Connection {
  const state = signal<ConnectionState>('signedOut');
  const url = signal('');
  const coordinatorUrls = signal<readonly string[]>([]);
  const trouble = signal('');
  const refusal = signal('');
  const generation = signal(0);
  const token = signal('');
  const directory = createCoordinatorDirectory([homeUrl]);
  let client: RpcClient | undefined;
  let ending = new AbortController();

  const end = (reason: string): void => {
    ending.abort();
    client?.close();
    client = undefined;
    token.value = '';
    refusal.value = reason;
    trouble.value = '';
    state.value = 'signedOut';
    remember('');
  };

  /** Signs in and, at the leader, holds the connection; resolves when it was lost. @throws why it is none. */
  const hold = async (base: string, signal: AbortSignal): Promise<void> => {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(limits.pageRequestTimeoutMs)]);
    const opened = createRpcClient(await openLink(base, timeout), { timers: systemTimers });
    try {
      const request = { protocolVersion, token: token.value };
      const { message } = await opened.unary(adminService.method.signIn, request, { signal: timeout });
      if (message.role !== 'admin') {
        throw new GradswarmError('forbidden', `its role is “${message.role}”, and an admin's is needed`);
      }
      directory.accepted(base, message.coordinators);
      if (!message.isLeader) throw followerError(message.leaderUrl);
      if (signal.aborted) return;
      remember(token.value);
      client = opened;
      url.value = base;
      coordinatorUrls.value = message.coordinators;
      trouble.value = '';
      generation.value += 1;
      state.value = 'connected';
      await opened.closed;
    } finally {
      if (client === opened) client = undefined;
      opened.close();
    }
  };

  /** Tells the directory that there is no connection to `base`, and why. */
  const note = (base: string, error: unknown): void => {
    if (!(error instanceof GradswarmError) || error.code !== 'notLeader') {
      directory.failed(base);
      return;
    }
    trouble.value = directory.redirected(base, error.redirectUrl) ?? (error.redirectUrl ? '' : error.message);
  };

  const keep = async (signal: AbortSignal): Promise<void> => {
    for (let pauses = 0; !signal.aborted; ) {
      const { url: base, pauseFirst } = directory.next();
      if (pauseFirst) {
        state.value = 'reconnecting';
        await delay(reconnectDelayMs(Math.min(pauses++, delayDoublingsMax), Math.random()), signal);
        if (signal.aborted) return;
      }
      const before = generation.value;
      let failure: unknown;
      try {
        await hold(base, signal);
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) return;
      const isFinal = failure instanceof GradswarmError && finalCodes.includes(failure.code);
      if (isFinal) return end((failure as GradswarmError).message);
      if (generation.value > before) {
        pauses = 0;
        directory.settled();
        state.value = 'reconnecting';
      }
      note(base, failure);
    }
  };

  return {
    state,
    url,
    coordinatorUrls,
    trouble,
    refusal,
    generation,
    token,
    signIn(newToken) {
      ending.abort();
      client?.close();
      ending = new AbortController();
      token.value = newToken.trim();
      refusal.value = '';
      state.value = 'connecting';
      void keep(ending.signal);
    },
    signOut: () => end(''),
    client() {
      if (client !== undefined) return client;
      throw new GradswarmError('connectionLost', 'There is no connection to the coordinator now; try again.');
    },
  };
}

function followerError(leaderUrl: string): GradswarmError {
  const message = 'No coordinator leads at the moment.';
  return new GradswarmError('notLeader', message, undefined, leaderUrl || undefined);
}

function delay(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener('abort', end);
  });
}
