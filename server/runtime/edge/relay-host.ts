import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash, WorkerId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { CoordinatorId } from '../../core/effect-values.ts';
import type { CallRef, Effect, Event } from '../../core/events.ts';
import type { Answer } from '../call-table.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { RelayAnswers, RelayBatch, RelayedAnswer, RelayedEvent, RelayedRole } from './relay-messages.ts';

/** The leader's end of every follower's relay. */
export interface RelayHost {
  /**
   * The follower `from` serves workers from now on; a relay of it that was open is over. Ends with the signal, with the
   * leadership, or when the follower does not take its answers.
   * @throws GradswarmError `notLeader`.
   */
  open(from: CoordinatorId, signal: AbortSignal): AsyncIterable<RelayAnswers>;
  /** @throws GradswarmError `staleEpoch` for a relay that is over. */
  receive(from: CoordinatorId, batch: RelayBatch): void;
  /** True when the effect was for a worker that a follower serves. */
  execute(effect: Effect): boolean;
  /** What names the relay with `coordinator`; undefined when there is none. */
  sessionOf(coordinator: CoordinatorId): { readonly epoch: number; readonly session: number } | undefined;
  /** Nothing that the follower has summed is relied on any more. */
  end(coordinator: CoordinatorId): void;
  endAll(): void;
  /** Closes the connections of a token that was revoked. */
  dropToken(tokenId: string): void;
  readonly workers: number;
}

export interface RelayHostDependencies {
  /** Set while this coordinator leads. */
  epoch(): number | undefined;
  call(makeEvent: (call: CallRef) => Event): { readonly call: CallRef; readonly answer: Promise<Answer> };
  post(event: Event): void;
  tokenOf(hash: BlobHash): { readonly tokenId: string; readonly role: RelayedRole } | undefined;
}

interface Session {
  readonly from: CoordinatorId;
  readonly epoch: number;
  readonly session: number;
  readonly outbox: Outbox<RelayedAnswer>;
  /** By the follower's number. */
  readonly calls: Map<CallRef, CallRef>;
  /** Of workers with a token: its id. */
  readonly tokens: Map<WorkerId, string>;
  readonly workers: Set<WorkerId>;
}

export function createRelayHost({ epoch, call, post, tokenOf }: RelayHostDependencies): RelayHost {
  const sessions = new Map<CoordinatorId, Session>();
  /** Calls of contributions, by the leader's number: where their payload is. */
  const contributions = new Map<CallRef, { readonly session: Session; readonly call: CallRef }>();
  let opened = 0;

  const end = (session: Session): void => {
    if (sessions.get(session.from) !== session) return;
    sessions.delete(session.from);
    session.outbox.close();
    post({ kind: 'coordinatorLost', coordinator: session.from });
  };
  const send = (session: Session, answer: RelayedAnswer): void => {
    if (!session.outbox.push(answer)) end(session);
  };
  const refuse = (session: Session, to: CallRef, error: unknown): void => {
    const { code, message, field } =
      error instanceof GradswarmError ? error : new GradswarmError('internal', String(error));
    send(session, { kind: 'refuse', call: to, code, message, ...(field === undefined ? {} : { field }) });
  };

  /** Opens the call in the core, and sends the answer when it comes. */
  const ask = (
    session: Session,
    from: CallRef,
    makeEvent: (ref: CallRef) => Event,
    answered: (answer: Answer) => RelayedAnswer,
  ): void => {
    if (session.calls.size >= limits.relayCallsMax || session.calls.has(from)) {
      refuse(session, from, new GradswarmError('unavailable', 'too many calls of one coordinator wait'));
      return;
    }
    const pending = call((ref) => {
      session.calls.set(from, ref);
      return makeEvent(ref);
    });
    const settle = (): void => {
      session.calls.delete(from);
      contributions.delete(pending.call);
    };
    pending.answer.then(
      (answer) => {
        settle();
        send(session, answered(answer));
      },
      (error: unknown) => {
        settle();
        refuse(session, from, error);
      },
    );
  };

  const register = (session: Session, event: Extract<RelayedEvent, { kind: 'workerRegistered' }>): void => {
    const { tokenHash, ...registration } = event;
    const token = tokenHash === undefined ? undefined : tokenOf(tokenHash);
    if (tokenHash !== undefined && token === undefined) {
      const message = 'the token is unknown or was revoked; ask an admin';
      refuse(session, event.call, new GradswarmError('unauthenticated', message, 'token'));
      return;
    }
    const role = token?.role ?? 'anonymous';
    const { from: via } = session;
    ask(
      session,
      event.call,
      (ref) => ({ ...registration, call: ref, role, via }),
      (answer) => {
        const registered = {
          ...(answer as Extract<Answer, { kind: 'answerRegistered' }>),
          call: event.call,
          role,
        };
        session.workers.add(registered.workerId);
        if (token === undefined) session.tokens.delete(registered.workerId);
        else session.tokens.set(registered.workerId, token.tokenId);
        return registered;
      },
    );
  };

  const contribute = (
    session: Session,
    event: Extract<RelayedEvent, { kind: 'contributionReceived' }>,
    payload: Uint8Array | undefined,
  ): void => {
    const { keptBytes, ...header } = event;
    const place = keptBytes === undefined ? {} : { heldAt: { coordinator: session.from, bytes: keptBytes } };
    ask(
      session,
      event.call,
      (ref) => {
        contributions.set(ref, { session, call: event.call });
        return { ...header, ...place, call: ref, payload: payload ?? new Uint8Array(0) };
      },
      (answer) => ({ ...answer, call: event.call }) as RelayedAnswer,
    );
  };

  const receiveEvent = (session: Session, event: RelayedEvent, payload: Uint8Array | undefined): void => {
    const { from: via } = session;
    switch (event.kind) {
      case 'workerRegistered':
        register(session, event);
        return;
      case 'contributionReceived':
        contribute(session, event, payload);
        return;
      case 'leaseRequested':
      case 'evaluationReported':
        ask(
          session,
          event.call,
          (ref) => ({ ...event, call: ref }),
          (answer) => ({ ...answer, call: event.call }) as RelayedAnswer,
        );
        return;
      case 'callAbandoned': {
        const ref = session.calls.get(event.call);
        if (ref !== undefined) post({ kind: 'callAbandoned', call: ref });
        return;
      }
      case 'workerLeft':
        session.workers.delete(event.workerId);
        session.tokens.delete(event.workerId);
        post({ ...event, via });
        return;
      case 'heartbeat':
        post({ ...event, via });
        return;
      case 'leasesReleased':
      case 'contributionReduced':
        post(event);
        return;
    }
  };

  return {
    open(from, signal) {
      const current = epoch();
      if (current === undefined) throw new GradswarmError('notLeader', 'this coordinator does not lead');
      const former = sessions.get(from);
      if (former !== undefined) end(former);
      opened += 1;
      const outbox = createOutbox<RelayedAnswer>(limits.relayAnswersMax);
      const session: Session = {
        ...{ from, epoch: current, session: opened, outbox },
        ...{ calls: new Map(), tokens: new Map(), workers: new Set() },
      };
      sessions.set(from, session);
      signal.addEventListener('abort', () => end(session), { once: true });
      if (signal.aborted) end(session);
      return answersOf(session, () => end(session));
    },
    receive(from, { epoch: quoted, session: number, events, payload }) {
      const session = sessions.get(from);
      if (session?.session !== number || session.epoch !== quoted || epoch() !== quoted) {
        if (session !== undefined && session.epoch !== epoch()) end(session);
        throw new GradswarmError('staleEpoch', 'this relay is over; open another one');
      }
      for (const event of events) receiveEvent(session, event, payload);
    },
    execute(effect) {
      if (effect.kind === 'disconnect' && effect.via !== undefined) {
        const session = sessions.get(effect.via);
        if (session !== undefined) send(session, effect);
        return true;
      }
      if (effect.kind !== 'reduce' || effect.edge === undefined) return false;
      const { edge, kind: _, payload: __, ...order } = effect;
      const asked = contributions.get(edge.call);
      // Of a relay that has ended since: the core is told, or will be.
      if (asked === undefined || sessions.get(edge.coordinator) !== asked.session) return true;
      send(asked.session, { kind: 'reduceOrder', call: asked.call, serial: edge.serial, ...order });
      return true;
    },
    sessionOf: (coordinator) => sessions.get(coordinator),
    end(coordinator) {
      const session = sessions.get(coordinator);
      if (session !== undefined) end(session);
    },
    endAll() {
      for (const session of [...sessions.values()]) end(session);
    },
    dropToken(tokenId) {
      const gone = { kind: 'disconnect', code: 'unauthenticated', message: 'the token was revoked' } as const;
      for (const session of sessions.values()) {
        for (const [workerId, held] of session.tokens) {
          if (held === tokenId) send(session, { ...gone, workerId, via: session.from });
        }
      }
    },
    get workers() {
      return [...sessions.values()].reduce((sum, { workers }) => sum + workers.size, 0);
    },
  };
}

async function* answersOf(
  { epoch, session, outbox }: Session,
  stop: () => void,
): AsyncGenerator<RelayAnswers> {
  try {
    yield { epoch, session, answers: [] };
    for await (const answers of outbox.batches(limits.relayBatchMax)) yield { epoch, session, answers };
  } finally {
    stop();
  }
}
