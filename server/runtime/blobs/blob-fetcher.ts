import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';

export interface BlobFetcherDependencies {
  /** The other coordinators. */
  peers(): readonly NodeId[];
  has(hash: BlobHash): boolean;
  /** Whether the stored bytes are still those that the hash names. */
  isIntact(hash: BlobHash): boolean;
  /** Replaces what is stored. @throws GradswarmError when there is no room. */
  store(hash: BlobHash, bytes: Uint8Array): void;
  /** Calls `done` once, unless the returned function is called before. */
  fetch(from: NodeId, hash: BlobHash, done: (outcome: Uint8Array | GradswarmError) => void): () => void;
  readonly timers: Timers;
}

export interface Demand {
  /** Someone may be sending them already: they are asked for only after a while. */
  readonly isExpected?: boolean;
  /** Replaces blobs whose bytes have changed. */
  readonly mustVerify?: boolean;
}

/** Gets blobs that are missing here from whoever holds them: a few at once, demanded ones first, the others in order. */
export interface BlobFetcher {
  /** However long it takes. */
  want(hashes: readonly BlobHash[], demand?: Demand): void;
  /**
   * Asks everyone for each of them once, and tells how it went: `notFound` when nobody has one, `corrupted` for a damaged
   * one that nobody can replace, else `unavailable`. Takes the place of what was demanded under this key before.
   */
  demand(
    key: string,
    hashes: readonly BlobHash[],
    demand: Demand,
    done: (error?: GradswarmError) => void,
  ): void;
  /** The blob has come by another way. */
  arrived(hash: BlobHash): void;
  /** Nothing names them any more. */
  forget(hashes: readonly BlobHash[]): void;
  /** Another coordinator can be reached again: what waits is asked for now. */
  retry(): void;
  /** Blobs that are wanted and not here. */
  readonly missing: number;
  close(): void;
}

interface Wanted {
  readonly hash: BlobHash;
  readonly demands: Set<Demanded>;
  isDamaged: boolean;
  failures: number;
  /** While it is fetched. */
  cancel: (() => void) | undefined;
}

interface Demanded {
  readonly key: string;
  readonly missing: Set<BlobHash>;
  readonly done: (error?: GradswarmError) => void;
}

export function createBlobFetcher(dependencies: BlobFetcherDependencies): BlobFetcher {
  const { peers, has, isIntact, store, fetch, timers } = dependencies;
  const wanted = new Map<BlobHash, Wanted>();
  const demands = new Map<string, Demanded>();
  /** Every wanted blob is in one of the queues, asleep, or being fetched. */
  const first = new Set<BlobHash>();
  const others = new Set<BlobHash>();
  const asleep = new Map<BlobHash, number>();
  let active = 0;
  let turn = 0;
  let isPumping = false;
  let wake: (() => void) | undefined;

  const pump = (): void => {
    if (isPumping) return;
    isPumping = true;
    for (let hash = next(); hash !== undefined && active < limits.blobFetchesMax; hash = next()) {
      first.delete(hash);
      others.delete(hash);
      const blob = wanted.get(hash);
      if (blob !== undefined) start(blob);
    }
    isPumping = false;
  };

  const next = (): BlobHash | undefined => {
    const [demanded] = first;
    const [other] = others;
    return demanded ?? other;
  };

  const start = (blob: Wanted): void => {
    active += 1;
    turn += 1;
    const members = peers();
    const order = members.map((_, index) => members[(index + turn) % members.length] ?? '');
    ask(blob, order, true);
  };

  const ask = (blob: Wanted, [from, ...rest]: readonly NodeId[], isGone: boolean): void => {
    if (from === undefined) {
      end(blob);
      fail(blob, isGone);
      return;
    }
    let isOver = false;
    const cancel = fetch(from, blob.hash, (outcome) => {
      isOver = true;
      if (outcome instanceof Uint8Array) keep(blob, outcome);
      else ask(blob, rest, isGone && (outcome.code === 'notFound' || outcome.code === 'corrupted'));
    });
    if (!isOver) blob.cancel = cancel;
  };

  const end = (blob: Wanted): void => {
    active -= 1;
    blob.cancel = undefined;
  };

  const keep = (blob: Wanted, bytes: Uint8Array): void => {
    end(blob);
    try {
      store(blob.hash, bytes);
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      fail(blob, false, error);
      return;
    }
    settle(blob);
    pump();
  };

  const settle = (blob: Wanted): void => {
    remove(blob);
    for (const demand of blob.demands) pass(blob.hash, demand);
  };

  const pass = (hash: BlobHash, demand: Demanded): void => {
    demand.missing.delete(hash);
    if (demand.missing.size === 0) finish(demand);
  };

  const finish = (demand: Demanded, error?: GradswarmError): void => {
    if (demands.get(demand.key) !== demand) return;
    demands.delete(demand.key);
    for (const hash of demand.missing) wanted.get(hash)?.demands.delete(demand);
    demand.done(error);
  };

  const fail = (blob: Wanted, isGone: boolean, cause?: GradswarmError): void => {
    const delayMs = limits.blobFetchRetryMsMin * 2 ** Math.min(blob.failures, 16);
    blob.failures += 1;
    // Alone, there is nobody to ask another time.
    if (peers().length === 0) wanted.delete(blob.hash);
    else sleep(blob.hash, Math.min(delayMs, limits.blobFetchRetryMsMax));
    const error = cause ?? reasonOf(blob, isGone);
    for (const demand of [...blob.demands]) finish(demand, error);
    pump();
  };

  const sleep = (hash: BlobHash, delayMs: number): void => {
    asleep.set(hash, timers.nowMs() + delayMs);
    keepWaking();
  };

  const keepWaking = (): void => {
    if (wake !== undefined || asleep.size === 0) return;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const atMs of asleep.values()) untilMs = Math.min(untilMs, atMs);
    wake = timers.after(Math.max(1, untilMs - timers.nowMs()), () => {
      wake = undefined;
      for (const [hash, atMs] of [...asleep]) if (atMs <= timers.nowMs()) queue(hash);
      keepWaking();
      pump();
    });
  };

  const queue = (hash: BlobHash): void => {
    const blob = wanted.get(hash);
    asleep.delete(hash);
    if (blob === undefined || blob.cancel !== undefined) return;
    others.delete(hash);
    if (blob.demands.size > 0) first.add(hash);
    else others.add(hash);
  };

  const remove = (blob: Wanted): void => {
    const { hash } = blob;
    if (blob.cancel !== undefined) {
      blob.cancel();
      end(blob);
    }
    wanted.delete(hash);
    asleep.delete(hash);
    first.delete(hash);
    others.delete(hash);
  };

  /** Undefined when the blob is here. */
  const open = (hash: BlobHash, { isExpected = false, mustVerify = false }: Demand): Wanted | undefined => {
    const known = wanted.get(hash);
    if (known !== undefined) return known;
    const isDamaged = mustVerify && has(hash) && !isIntact(hash);
    if (!isDamaged && has(hash)) return undefined;
    const blob: Wanted = { hash, demands: new Set(), isDamaged, failures: 0, cancel: undefined };
    wanted.set(hash, blob);
    if (isExpected && peers().length > 0) sleep(hash, limits.blobExpectedMs);
    else others.add(hash);
    return blob;
  };

  return {
    want(hashes, demand = {}) {
      for (const hash of hashes) open(hash, demand);
      pump();
    },
    demand(key, hashes, demand, done) {
      const demanded: Demanded = { key, missing: new Set(), done };
      const former = demands.get(key);
      for (const hash of former?.missing ?? []) if (former) wanted.get(hash)?.demands.delete(former);
      demands.set(key, demanded);
      for (const hash of new Set(hashes)) {
        const blob = open(hash, demand);
        if (blob === undefined) continue;
        demanded.missing.add(hash);
        blob.demands.add(demanded);
        if (demand.isExpected !== true || !asleep.has(hash)) queue(hash);
      }
      if (demanded.missing.size === 0) finish(demanded);
      else pump();
    },
    arrived(hash) {
      const blob = wanted.get(hash);
      if (blob !== undefined) settle(blob);
      pump();
    },
    forget(hashes) {
      for (const hash of hashes) {
        const blob = wanted.get(hash);
        if (blob === undefined) continue;
        remove(blob);
        const error = new GradswarmError('notFound', `Nothing names blob ${hash} any more.`);
        for (const demand of [...blob.demands]) finish(demand, error);
      }
      pump();
    },
    retry() {
      for (const hash of [...asleep.keys()]) queue(hash);
      pump();
    },
    get missing() {
      return wanted.size;
    },
    close() {
      for (const blob of [...wanted.values()]) remove(blob);
      demands.clear();
      wake?.();
      wake = undefined;
    },
  };
}

function reasonOf({ hash, isDamaged }: Wanted, isGone: boolean): GradswarmError {
  if (!isGone) return new GradswarmError('unavailable', `No coordinator that is connected has blob ${hash}.`);
  return isDamaged
    ? new GradswarmError('corrupted', `The stored blob ${hash} is damaged, and no other coordinator has it.`)
    : new GradswarmError('notFound', `No coordinator has blob ${hash}.`);
}
