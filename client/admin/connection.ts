import { type ReadonlySignal, signal } from '@preact/signals';
import { type ErrorCode, GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { protocolVersion } from '../../shared/protocol/version.ts';
import { reconnectDelayMs } from '../web/reconnect-delay.ts';

export type ConnectionState = 'signedOut' | 'connecting' | 'connected' | 'reconnecting';

/** The signed-in connection to the coordinator. It comes back by itself until the token is refused or `signOut`. */
export interface Connection {
  readonly state: ReadonlySignal<ConnectionState>;
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
  readonly openLink: (signal: AbortSignal) => Promise<Link>;
  /** Told of every token that was accepted, and of the empty one when it is to be forgotten. */
  readonly remember: (token: string) => void;
}

export function createConnection({ openLink, remember }: ConnectionOptions): Connection {
  const state = signal<ConnectionState>('signedOut');
  const refusal = signal('');
  const generation = signal(0);
  const token = signal('');
  let client: RpcClient | undefined;
  let ending = new AbortController();

  const end = (reason: string): void => {
    ending.abort();
    client?.close();
    client = undefined;
    token.value = '';
    refusal.value = reason;
    state.value = 'signedOut';
    remember('');
  };

  /** Holds one connection; resolves when it was lost. */
  const hold = async (signal: AbortSignal): Promise<void> => {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(limits.pageRequestTimeoutMs)]);
    const opened = createRpcClient(await openLink(timeout));
    try {
      const request = { protocolVersion, token: token.value };
      const { message } = await opened.unary(adminService.method.signIn, request, { signal: timeout });
      if (message.role !== 'admin') {
        throw new GradswarmError('forbidden', `its role is “${message.role}”, and an admin's is needed`);
      }
      if (signal.aborted) return;
      remember(token.value);
      client = opened;
      generation.value += 1;
      state.value = 'connected';
      await opened.closed;
    } finally {
      if (client === opened) client = undefined;
      opened.close();
    }
  };

  const keep = async (signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const before = generation.value;
      try {
        await hold(signal);
      } catch (error) {
        if (signal.aborted) return;
        const isFinal = error instanceof GradswarmError && finalCodes.includes(error.code);
        if (isFinal) return end(error.message);
      }
      if (signal.aborted) return;
      if (generation.value > before) attempt = 0;
      state.value = 'reconnecting';
      await delay(reconnectDelayMs(Math.min(attempt, delayDoublingsMax), Math.random()), signal);
    }
  };

  return {
    state,
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
