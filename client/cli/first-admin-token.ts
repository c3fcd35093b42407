import { setTimeout as delay } from 'node:timers/promises';
import type { Coordinator } from '../../server/main.ts';
import { GradswarmError } from '../../shared/base/errors.ts';

export type TokenMaker = Pick<Coordinator, 'actions' | 'cluster' | 'tokens'>;

const firstTokenName = 'first admin';
const pollMs = 100;

/** `undecided`: nobody leads yet, or the leader's tokens have not come here. */
export type FirstToken =
  | { readonly kind: 'made'; readonly token: string }
  | { readonly kind: 'exists' }
  | { readonly kind: 'undecided' };

/**
 * Somebody must be able to sign in. Only the leader makes a token, so that a cluster has one: when there is none, or
 * when this coordinator was asked for one.
 */
export async function makeFirstToken(coordinator: TokenMaker, isWanted: boolean): Promise<FirstToken> {
  const hasAdmin = coordinator.tokens().some(({ role }) => role === 'admin');
  const { isLeader, leaderUrl } = coordinator.cluster();
  if (hasAdmin && (isLeader ? !isWanted : leaderUrl !== undefined || !isWanted)) return { kind: 'exists' };
  if (!isLeader) return { kind: 'undecided' };
  try {
    const { token } = await coordinator.actions.createToken(firstTokenName, 'admin');
    return { kind: 'made', token };
  } catch (error) {
    // The leadership was lost meanwhile: the next leader makes the token.
    if (error instanceof GradswarmError && isPassing(error)) return { kind: 'undecided' };
    throw error;
  }
}

/** The same, as soon as it can be told. @throws the signal's reason when it is aborted before. */
export async function awaitFirstToken(
  coordinator: TokenMaker,
  isWanted: boolean,
  signal: AbortSignal,
): Promise<FirstToken> {
  for (;;) {
    const first = await makeFirstToken(coordinator, isWanted);
    if (first.kind !== 'undecided') return first;
    await delay(pollMs, undefined, { signal });
  }
}

function isPassing({ code }: GradswarmError): boolean {
  return code === 'notLeader' || code === 'unavailable';
}
