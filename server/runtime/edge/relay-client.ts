import { GradswarmError } from '../../../shared/base/errors.ts';
import type { JobId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { CoordinatorId } from '../../core/effect-values.ts';
import type { CallRef } from '../../core/events.ts';
import type { Peers } from '../peers.ts';
import type { ReduceOutcome } from '../ports.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type {
  ReduceOrder,
  RelayedAnswer,
  RelayedContribution,
  RelayedEvent,
  RelayName,
} from './relay-messages.ts';

/** What a call of a worker is answered with. */
export type RelayedCallAnswer = Extract<RelayedAnswer, { kind: `answer${string}` }>;

/** A follower's end of its relay: the core of the leader, as the worker gateway calls the own one. */
export interface RelayClient {
  /** Set while the leader takes this coordinator's workers. */
  readonly relay: RelayName | undefined;
  /** Posts the event with a number of its own; rejects with a `GradswarmError` when the leader refuses. */
  call(makeEvent: (call: CallRef) => RelayedEvent): {
    readonly call: CallRef;
    readonly answer: Promise<RelayedCallAnswer>;
  };
  post(event: RelayedEvent): void;
  close(): Promise<void>;
}

export interface RelayClientDependencies {
  /** Who leads, as far as this coordinator knows; undefined when it leads itself. */
  leader(): CoordinatorId | undefined;
  readonly peers: Pick<Peers, 'openRelay' | 'relay'>;
  /** Whether one sum of a job's contributions will do, so that their payloads may stay here. */
  isSummed(jobId: JobId): boolean;
  reduce(relay: RelayName, order: ReduceOrder, payload: Uint8Array): Promise<ReduceOutcome>;
  /** The relay is over: nobody speaks for its workers any more. */
  onEnded(): void;
  onDisconnect(answer: Extract<RelayedAnswer, { kind: 'disconnect' }>): void;
  onFatal(error: unknown): void;
}

interface Pending {
  readonly resolve: (answer: RelayedCallAnswer) => void;
  readonly reject: (error: GradswarmError) => void;
  /** Of a contribution, until it is summed. */
  payload: Uint8Array | undefined;
}

interface OpenRelay extends RelayName {
  readonly leader: CoordinatorId;
  readonly abort: AbortController;
  readonly outbox: Outbox<RelayedEvent>;
  readonly pending: Map<CallRef, Pending>;
}

export function createRelayClient(deps: RelayClientDependencies): RelayClient {
  const { peers } = deps;
  let current: OpenRelay | undefined;
  let lastCall: CallRef = 0;
  const closing = new AbortController();

  const end = (relay: OpenRelay): void => {
    if (current !== relay) return;
    current = undefined;
    relay.abort.abort();
    relay.outbox.close();
    const over = new GradswarmError('unavailable', 'the leader has changed, or cannot be reached; try again');
    for (const { reject } of relay.pending.values()) reject(over);
    relay.pending.clear();
    deps.onEnded();
  };

  const reduce = async (
    relay: OpenRelay,
    { call, kind: _, ...order }: RelayedAnswer & { kind: 'reduceOrder' },
  ) => {
    const waiting = relay.pending.get(call);
    const { payload } = waiting ?? {};
    if (waiting !== undefined) waiting.payload = undefined;
    const outcome =
      payload === undefined
        ? ({ accepted: false, code: 'unavailable', message: 'The payload is gone.' } as const)
        : await deps.reduce(relay, order, payload);
    const { jobId, round, unit, leaseId } = order;
    tell(relay, { kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
  };

  const take = (relay: OpenRelay, answer: RelayedAnswer): void => {
    switch (answer.kind) {
      case 'reduceOrder':
        reduce(relay, answer).catch(deps.onFatal);
        return;
      case 'disconnect':
        deps.onDisconnect(answer);
        return;
      case 'refuse': {
        const { call, code, message, field } = answer;
        relay.pending.get(call)?.reject(new GradswarmError(code, message, field));
        relay.pending.delete(call);
        return;
      }
      default:
        relay.pending.get(answer.call)?.resolve(answer);
        relay.pending.delete(answer.call);
    }
  };

  /** What does not fit would be missed: then the relay begins anew. */
  const tell = (relay: OpenRelay, event: RelayedEvent): void => {
    if (current === relay && !relay.outbox.push(event)) end(relay);
  };

  const begin = (leader: CoordinatorId, name: RelayName, abort: AbortController): OpenRelay => {
    const { epoch, session } = name;
    const outbox = createOutbox<RelayedEvent>(limits.relayEventsMax);
    const relay: OpenRelay = { epoch, session, leader, abort, outbox, pending: new Map() };
    current = relay;
    void sendBatches(relay).catch(() => end(relay));
    return relay;
  };

  /** One batch after the other, so that nothing is overtaken; what comes meanwhile is the next. */
  const sendBatches = async ({ leader, epoch, session, outbox, abort }: OpenRelay): Promise<void> => {
    for await (const events of outbox.batches(limits.relayBatchMax)) {
      await peers.relay(leader, { epoch, session, events }, abort.signal);
    }
  };

  const serve = async (leader: CoordinatorId): Promise<void> => {
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    closing.signal.addEventListener('abort', stop, { once: true });
    const watch = setInterval(() => {
      if (deps.leader() !== leader) stop();
    }, limits.relayRetryMs);
    let relay: OpenRelay | undefined;
    try {
      for await (const { answers, ...name } of peers.openRelay(leader, abort.signal)) {
        if (abort.signal.aborted) break;
        relay ??= begin(leader, name, abort);
        for (const answer of answers) take(relay, answer);
      }
    } catch (error) {
      if (!(error instanceof GradswarmError)) deps.onFatal(error);
    } finally {
      clearInterval(watch);
      closing.signal.removeEventListener('abort', stop);
      stop();
      if (relay !== undefined) end(relay);
    }
  };

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const leader = deps.leader();
      if (leader !== undefined) await serve(leader);
      await pause(limits.relayRetryMs, closing.signal);
    }
  };
  const ended = run();

  /** With a payload that is not kept here: past the batches, which it would hold up. */
  const sendWhole = (relay: OpenRelay, event: RelayedContribution): void => {
    const { epoch, session, leader, abort } = relay;
    const { payload } = event;
    const batch = { epoch, session, events: [{ ...event, payload: nothing }], payload };
    peers.relay(leader, batch, abort.signal).catch((error: unknown) => {
      const failure = error instanceof GradswarmError ? error : new GradswarmError('internal', String(error));
      relay.pending.get(event.call)?.reject(failure);
      relay.pending.delete(event.call);
    });
  };

  const send = (relay: OpenRelay, event: RelayedEvent, pending: Pending): void => {
    if (event.kind !== 'contributionReceived') {
      tell(relay, event);
    } else if (deps.isSummed(event.jobId)) {
      pending.payload = event.payload;
      tell(relay, { ...event, payload: nothing, keptBytes: event.payload.byteLength });
    } else {
      sendWhole(relay, event);
    }
  };

  return {
    get relay() {
      return current;
    },
    call(makeEvent) {
      lastCall += 1;
      const call = lastCall;
      const answer = new Promise<RelayedCallAnswer>((resolve, reject) => {
        const relay = current;
        if (relay === undefined || relay.pending.size >= limits.relayCallsMax) {
          reject(new GradswarmError('unavailable', 'the leader cannot be asked now; try again soon'));
          return;
        }
        const pending: Pending = { resolve, reject, payload: undefined };
        relay.pending.set(call, pending);
        send(relay, makeEvent(call), pending);
      });
      return { call, answer };
    },
    post(event) {
      if (current !== undefined) tell(current, event);
    },
    async close() {
      closing.abort();
      await ended;
    },
  };
}

const nothing = new Uint8Array(0);

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, durationMs);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}
