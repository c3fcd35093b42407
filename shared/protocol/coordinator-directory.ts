import { limits } from '../base/limits.ts';
import { coordinatorKey, coordinatorUrl, hostOf, isLoopbackUrl, isSecureUrl } from './coordinator-url.ts';

/** Where to connect next. */
export interface Attempt {
  readonly url: string;
  /** All have been tried in vain since the last pause: make one first, longer each time. */
  readonly pauseFirst: boolean;
}

/**
 * Which coordinator to try next. The leader that was named comes first, then every other one in turn, each once; then a
 * pause is due. Knows neither time nor sockets: whoever connects says how it went.
 */
export interface CoordinatorDirectory {
  /** Base addresses: those that a person gave, then those that coordinators named. */
  readonly urls: readonly string[];
  next(): Attempt;
  /** The coordinator cannot be reached, refuses, or ended the connection. */
  failed(url: string): void;
  /**
   * It does not lead, and named the leader where it knows one. Returns why that address is not to be trusted, in words,
   * when it is not.
   */
  redirected(from: string, to: string | undefined): string | undefined;
  /** It took us in, and named all coordinators of its cluster. */
  accepted(url: string, coordinators: readonly string[]): void;
  /** The connection was of use: what failed before is forgotten. */
  settled(): void;
}

/** `given`: base addresses as `coordinatorUrl` writes them, at least one. */
export function createCoordinatorDirectory(given: readonly string[]): CoordinatorDirectory {
  const failures = new Set<string>();
  let known = distinct(given);
  let last = '';
  let leader: string | undefined;
  let redirects = 0;

  const hasFailed = (url: string): boolean => failures.has(coordinatorKey(url));
  const isKnown = (url: string): boolean =>
    known.some((other) => coordinatorKey(other) === coordinatorKey(url));
  const inTurn = (): readonly string[] => {
    const start = known.indexOf(last) + 1;
    return [...known.slice(start), ...known.slice(0, start)];
  };
  const fail = (url: string): void => {
    failures.add(coordinatorKey(url));
  };

  return {
    get urls() {
      return known;
    },
    next() {
      const named = leader !== undefined && !hasFailed(leader) ? leader : undefined;
      const untried = named ?? inTurn().find((url) => !hasFailed(url));
      const url = untried ?? leader ?? inTurn()[0] ?? '';
      if (untried === undefined) {
        failures.clear();
        redirects = 0;
      }
      leader = undefined;
      last = url;
      return { url, pauseFirst: untried === undefined };
    },
    failed: fail,
    redirected(from, to) {
      fail(from);
      if (to === undefined) return undefined;
      const url = coordinatorUrl(to);
      if (url === undefined) return `it named "${to.slice(0, 200)}" as the leader, which is no address`;
      const doubt = isKnown(url) ? undefined : reasonToDoubt(from, url);
      if (doubt !== undefined) return `it named ${url} as the leader, which is not followed: ${doubt}`;
      redirects += 1;
      if (redirects <= limits.redirectsInRowMax) leader = url;
      return undefined;
    },
    accepted(url, coordinators) {
      redirects = 0;
      const named = coordinators.flatMap((text) => coordinatorUrl(text) ?? []);
      const trusted = named.filter((other) => reasonToRefuse(url, other) === undefined);
      known = distinct([...given, ...trusted]);
    },
    settled() {
      failures.clear();
      redirects = 0;
    },
  };
}

function distinct(urls: readonly string[]): readonly string[] {
  const byKey = new Map<string, string>();
  for (const url of urls) {
    const key = coordinatorKey(url);
    if (!byKey.has(key) && byKey.size < limits.coordinatorsMax) byKey.set(key, url);
  }
  return [...byKey.values()];
}

/**
 * Whoever is connected to gets the token. An address counts that a person gave, or that was named by a coordinator which
 * had taken us in. One in a refusal counts on the same host, or between two that prove who they are by TLS: over plain
 * HTTP, anyone on the way could have written it.
 */
function reasonToDoubt(from: string, to: string): string | undefined {
  const refusal = reasonToRefuse(from, to);
  if (refusal !== undefined) return refusal;
  if (hostOf(from) === hostOf(to) || isSecureUrl(from)) return undefined;
  return 'it is another host, and plain HTTP proves nothing; give its address too if you trust it';
}

/** What no coordinator may lead to, whoever it is. Both are base addresses as `coordinatorUrl` writes them. */
export function reasonToRefuse(from: string, to: string): string | undefined {
  if (isSecureUrl(from) && !isSecureUrl(to)) return 'the token would leave unencrypted';
  if (isLoopbackUrl(to) && !isLoopbackUrl(from)) {
    return 'it is this machine, not that coordinator; set `advertise` there to an address that others can use';
  }
  return undefined;
}
