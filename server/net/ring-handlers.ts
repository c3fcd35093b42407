import { type ErrorCode, GradswarmError, isErrorCode } from '../../shared/base/errors.ts';
import { asWorkerId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import type { ServiceHandlers } from '../../shared/protocol/rpc-handlers.ts';
import type { workerService } from '../../shared/protocol/services.ts';
import { packedBytesMax } from '../../shared/tensor/packed-sums.ts';
import type { Event } from '../core/events.ts';
import { encodeTold, type QuotedRing, readRing, writeRing } from './ring-messages.ts';
import type { WorkerHandlerDeps } from './worker-calls.ts';
import { registeredWorker, type WorkerConnection } from './worker-connection.ts';
import type { ServedJob, ServedRing } from './worker-ports.ts';

type Handlers = ServiceHandlers<typeof workerService, WorkerConnection>;
type RingHandlers = Pick<Handlers, 'watchRing' | 'relayRing' | 'signalRing' | 'reportRing' | 'uploadRing'>;

type RingEvent = Extract<Event, { readonly kind: 'ringReported' | 'ringUploaded' }>;
type Unasked<E extends RingEvent> = E extends RingEvent ? Omit<E, 'call'> : never;

const hashPattern = /^[0-9a-f]{64}$/;

type Deps = Pick<WorkerHandlerDeps, 'ringMail' | 'checksum' | 'ring' | 'call' | 'post'>;

/** What concerns rings is between workers and the leader itself: followers refuse it with `notLeader`. */
export function createRingHandlers(
  { ringMail: mail, checksum = crc32, ring, call, post }: Deps,
  jobFor: (jobId: string, connection: WorkerConnection) => ServedJob,
): RingHandlers {
  const ask = async (event: Unasked<RingEvent>, signal: AbortSignal): Promise<void> => {
    const opened = call((ref) => ({ ...event, call: ref }));
    const onAbort = (): void => post({ kind: 'callAbandoned', call: opened.call });
    signal.addEventListener('abort', onAbort, { once: true });
    await opened.answer.finally(() => signal.removeEventListener('abort', onAbort));
  };

  return {
    watchRing: {
      answer: (_request, { connection, signal }) => mail.watch(registeredWorker(connection).workerId, signal),
    },
    relayRing: {
      payloadBytesMax: () => limits.ringRelayBatchBytesMax,
      async answer(request, { connection, signal }, payload) {
        const from = registeredWorker(connection).workerId;
        const quoted = readRing(request.ring);
        const { members } = fenced(quoted, ring);
        const successor = members[(members.indexOf(from) + 1) % members.length];
        if (!members.includes(from) || successor !== request.to) throw notNeighbours('successor');
        const relayed = { ring: writeRing(quoted), from };
        const message = { event: { case: 'relayed' as const, value: relayed } };
        await mail.relay(successor, encodeTold({ message, payload }, checksum), signal);
        return { message: {} };
      },
    },
    signalRing: {
      answer(request, { connection }) {
        const from = registeredWorker(connection).workerId;
        const to = asWorkerId(request.to);
        const quoted = readRing(request.ring);
        const { members } = fenced(quoted, ring);
        if (!members.includes(from) || !members.includes(to) || from === to)
          throw notNeighbours('other member');
        const { text } = request;
        if (text.length > limits.ringSignalBytesMax) {
          const rule = `a signal has ${limits.ringSignalBytesMax} characters at most`;
          throw new GradswarmError('tooLarge', rule, 'text');
        }
        const message = {
          event: { case: 'signal' as const, value: { ring: writeRing(quoted), from, text } },
        };
        mail.post(to, encodeTold({ message }, checksum));
        return { message: {} };
      },
    },
    reportRing: {
      async answer(request, { connection, signal }) {
        const { workerId } = registeredWorker(connection);
        const { sumHash: hash, bytesPerSecond, refused } = request;
        const failure = readFailure(request.failure);
        if (failure.failure === undefined) checkHash(hash);
        const ringReport = { ...readRing(request.ring), ...failure, hash, bytesPerSecond, refused };
        await ask({ kind: 'ringReported', workerId, ...ringReport }, signal);
        return { message: {} };
      },
    },
    uploadRing: {
      payloadBytesMax: (request, connection) =>
        packedBytesMax(jobFor(request.ring?.jobId ?? '', connection).parameters),
      async answer(request, { connection, signal }, payload) {
        const { workerId } = registeredWorker(connection);
        checkHash(request.sumHash);
        const sum = { ...readRing(request.ring), hash: request.sumHash, payload };
        await ask({ kind: 'ringUploaded', workerId, ...sum }, signal);
        return { message: {} };
      },
    },
  };
}

/** @throws GradswarmError `staleRing` unless this very ring epoch is under way. */
function fenced({ jobId, identity }: QuotedRing, ring: Deps['ring']): ServedRing {
  const current = ring(jobId);
  const { epoch, round, ringId, ringEpoch } = identity;
  const isCurrent =
    current !== undefined &&
    current.identity.epoch === epoch &&
    current.identity.round === round &&
    current.identity.ringId === ringId &&
    current.identity.ringEpoch === ringEpoch;
  if (isCurrent) return current;
  throw new GradswarmError('staleRing', `ring epoch ${ringEpoch} of round ${round} is not under way`, 'ring');
}

function notNeighbours(what: string): GradswarmError {
  return new GradswarmError('staleRing', `this worker has no such ${what} in the ring`, 'to');
}

/** @throws GradswarmError `badRequest`. */
function readFailure(text: string): { readonly failure?: ErrorCode } {
  if (text === '') return {};
  if (isErrorCode(text)) return { failure: text };
  throw new GradswarmError('badRequest', 'is no code of the error table', 'failure');
}

function checkHash(text: string): void {
  if (hashPattern.test(text)) return;
  throw new GradswarmError('badRequest', 'a SHA-256 has 64 hexadecimal digits', 'sumHash');
}
