import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Leadership } from '../../runtime/ports.ts';
import type { Appender } from './appender.ts';
import { retryDelayMs } from './etcd-error.ts';
import type { Feed } from './feed.ts';
import type { EtcdGateway } from './gateway.ts';
import {
  asInteger,
  asObject,
  compareCreateRevision,
  getKey,
  type JsonObject,
  put,
  readTransaction,
} from './gateway-messages.ts';
import type { EtcdKeys } from './keys.ts';
import { pause } from './pause.ts';
import type { Roster } from './roster.ts';

export interface ElectionDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly roster: Roster;
  readonly feed: Feed;
  readonly appender: Appender;
  readonly leaseSeconds: number;
  readonly signal: AbortSignal;
  readonly onFailure: (error: unknown) => void;
  /** etcd did what it was asked. */
  readonly onSuccess: () => void;
  readonly onLeadership: (leadership: Leadership) => void;
}

interface Lease {
  readonly id: string;
  /** Monotonic time until which etcd cannot have ended the lease. */
  deadlineMs: number;
}

interface Term {
  readonly epoch: number;
  readonly lease: Lease;
  /** The first entry of the epoch is in the log, so that nothing of an earlier one can come after it. */
  isInOffice: boolean;
}

/**
 * Campaigns for as long as the log is open: whoever creates the leader's key leads, until the lease of the key ends.
 * etcd's transactions alone keep the log safe; the lease and its deadline only tell when to stop acting as leader. The
 * deadline counts from when a renewal was sent, on a clock that nobody sets.
 */
export class Election {
  readonly #dependencies: ElectionDependencies;
  #term: Term | undefined;
  #lastEpoch = 0;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #wake = new AbortController();
  #candidate: string | undefined;
  /** Taking office, and giving back leases. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(dependencies: ElectionDependencies) {
    this.#dependencies = dependencies;
  }

  leadership(): Leadership {
    const isLeader = this.#term?.isInOffice === true && this.holds(this.#term.epoch);
    return { isLeader, epoch: Math.max(this.#lastEpoch, this.#dependencies.roster.leader?.epoch ?? 0) };
  }

  /** Whether the epoch is this process's, and its lease cannot have ended. */
  holds(epoch: number): boolean {
    const term = this.#term;
    if (term?.epoch !== epoch) return false;
    if (performance.now() < term.lease.deadlineMs) return true;
    // A process that was stopped meets this before its timer fires.
    this.#lose(term);
    return false;
  }

  /** The epoch has ended, as a transaction told. */
  deposed(epoch: number): void {
    if (this.#term?.epoch === epoch) this.#lose(this.#term);
  }

  /** Seeks the leadership under this id from now on; without one, no longer. */
  stand(candidate: string | undefined): void {
    if (candidate === this.#candidate) return;
    this.#candidate = candidate;
    if (candidate === undefined) this.resign();
    this.#wake.abort();
  }

  /** There may be another leader than before, or none. */
  rosterChanged(): void {
    const { leader } = this.#dependencies.roster;
    if (this.#term && leader?.epoch !== this.#term.epoch) this.#lose(this.#term);
    if (!leader) this.#wake.abort();
  }

  /** Until the log is closed. */
  async run(): Promise<void> {
    const { signal, leaseSeconds, onFailure, onSuccess } = this.#dependencies;
    const stop = (): void => this.#wake.abort();
    signal.addEventListener('abort', stop);
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let delayMs = (leaseSeconds * 1_000) / 3;
      try {
        if (this.#term) await this.#renew(this.#term);
        else await this.#campaign();
        onSuccess();
      } catch (error) {
        delayMs = retryDelayMs(error);
        if (!signal.aborted) onFailure(error);
      }
      if (!signal.aborted) await pause(delayMs, this.#wake.signal);
    }
    signal.removeEventListener('abort', stop);
  }

  /** Whether `epoch` is, or was, this process's. */
  isOwn(epoch: number): boolean {
    return epoch === this.#lastEpoch;
  }

  resign(): void {
    if (this.#term) this.#lose(this.#term);
  }

  /** Resolves when `to` leads. @throws GradswarmError `conflict` when this process does not lead, `unavailable`. */
  async transfer(to: string): Promise<void> {
    const { gateway, keys, roster, leaseSeconds, signal } = this.#dependencies;
    const { isLeader, epoch } = this.leadership();
    if (!isLeader) throw new GradswarmError('conflict', 'Only the leader can hand over the leadership.');
    const lease = await this.#grant();
    const request: JsonObject = {
      compare: [compareCreateRevision(keys.leader, epoch)],
      success: [put(keys.successor, to, lease.id)],
    };
    const { succeeded, revision } = readTransaction(await gateway.call('/v3/kv/txn', request, { signal }));
    if (succeeded) {
      // Before the key has gone, so that this process does not take it again.
      roster.update(revision, { successor: to });
      this.resign();
      await untilLed(roster, epoch, leaseSeconds * 2_000, signal);
    }
    if (roster.leader?.id === to) return;
    throw new GradswarmError('unavailable', `"${to}" has not taken over; ask again when it is up.`);
  }

  /** Resolves when nothing is under way, and others may lead. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #campaign(): Promise<void> {
    const { feed, roster, signal } = this.#dependencies;
    await feed.poll();
    const id = this.#candidate;
    const isOpenTo = roster.successor === undefined || roster.successor === id;
    if (roster.leader || id === undefined || !isOpenTo) return;
    /** Removed meanwhile, or closed. */
    const isOver = (): boolean => signal.aborted || this.#candidate !== id;
    const lease = await this.#grant();
    let epoch: number | undefined;
    try {
      epoch = await this.#createKey(id, lease);
    } finally {
      if (epoch === undefined || isOver()) this.#track(this.#revoke(lease));
    }
    if (epoch === undefined || isOver()) return;
    // So that late news of earlier leaders are not taken for the end of this term.
    roster.update(epoch, { leader: { epoch, id, lease: lease.id } });
    const term: Term = { epoch, lease, isInOffice: false };
    this.#term = term;
    this.#lastEpoch = epoch;
    this.#armDeadline(term);
    this.#track(this.#takeOffice(term));
  }

  async #grant(): Promise<Lease> {
    const { gateway, leaseSeconds, signal } = this.#dependencies;
    const sentMs = performance.now();
    const answer = await gateway.call('/v3/lease/grant', { TTL: String(leaseSeconds) }, { signal });
    return { id: String(answer['ID']), deadlineMs: deadlineOf(sentMs, answer) };
  }

  /** The epoch; undefined when another was faster. */
  async #createKey(id: string, lease: Lease): Promise<number | undefined> {
    const { gateway, keys, signal } = this.#dependencies;
    const request: JsonObject = {
      compare: [compareCreateRevision(keys.leader, 0)],
      success: [put(keys.leader, id, lease.id)],
      failure: [getKey(keys.leader)],
    };
    const answer = readTransaction(await gateway.call('/v3/kv/txn', request, { signal }));
    if (answer.succeeded) return answer.revision;
    const present = answer.ranges[0]?.pairs[0];
    // It was carried out when a first member was asked, whose answer was lost.
    return present?.lease === lease.id ? present.createRevision : undefined;
  }

  /** Nothing of an earlier epoch can be appended any more; after the first entry of this one, nothing is missing here. */
  async #takeOffice(term: Term): Promise<void> {
    const { feed, appender, onLeadership, onFailure, signal } = this.#dependencies;
    const { epoch } = term;
    try {
      await feed.load(epoch);
      if ((await appender.appendMarker(epoch)) === 'committed' && this.holds(epoch)) {
        term.isInOffice = true;
        appender.begin(epoch);
        onLeadership({ isLeader: true, epoch });
      } else this.#lose(term);
    } catch (error) {
      this.#lose(term);
      if (!signal.aborted) onFailure(error);
    }
  }

  async #renew({ epoch, lease }: Term): Promise<void> {
    const { gateway, leaseSeconds, signal } = this.#dependencies;
    const timeoutMs = Math.min((leaseSeconds * 1_000) / 3, limits.etcdRequestTimeoutMs);
    const sentMs = performance.now();
    const answer = await gateway.call('/v3/lease/keepalive', { ID: lease.id }, { signal, timeoutMs });
    const result = asObject(answer['result']);
    if (asInteger(result['TTL']) <= 0) this.deposed(epoch);
    else lease.deadlineMs = deadlineOf(sentMs, result);
  }

  #armDeadline(term: Term): void {
    const restMs = Math.max(term.lease.deadlineMs - performance.now(), 0);
    this.#deadlineTimer = setTimeout(() => {
      if (this.holds(term.epoch)) this.#armDeadline(term);
    }, restMs);
  }

  #lose(term: Term): void {
    if (this.#term !== term) return;
    const { appender, onLeadership } = this.#dependencies;
    this.#term = undefined;
    clearTimeout(this.#deadlineTimer);
    // Only then, so that what is under way is not cut off where it could still succeed.
    this.#track(appender.end().then(() => this.#revoke(term.lease)));
    if (term.isInOffice) onLeadership({ isLeader: false, epoch: term.epoch });
    this.#wake.abort();
  }

  /** Without success the lease ends by itself. */
  async #revoke(lease: Lease): Promise<void> {
    const options = { attempts: 2, timeoutMs: limits.etcdFarewellTimeoutMs };
    await this.#dependencies.gateway.call('/v3/lease/revoke', { ID: lease.id }, options).catch(() => {});
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    work.finally(() => this.#underWay.delete(work)).catch(() => {});
  }
}

function deadlineOf(sentMs: number, answer: JsonObject): number {
  return sentMs + asInteger(answer['TTL']) * 1_000 - limits.etcdLeaseMarginMs;
}

/** Resolves when an epoch after `epoch` has begun, after `timeoutMs`, or when `signal` is aborted. */
async function untilLed(
  roster: Roster,
  epoch: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const look = (): void => {
    if ((roster.leader?.epoch ?? 0) > epoch) end();
  };
  const stop = roster.onChange(look);
  signal.addEventListener('abort', end);
  look();
  await pause(timeoutMs, ending.signal);
  stop();
  signal.removeEventListener('abort', end);
}
