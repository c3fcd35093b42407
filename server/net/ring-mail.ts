import { GradswarmError } from '../../shared/base/errors.ts';
import type { WorkerId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';

/** What waits for workers that watch: plans, signals, and messages of other members. */
export interface RingMail {
  /** What comes from now on; ends an earlier watch of the same worker. */
  watch(workerId: WorkerId, signal: AbortSignal): AsyncIterable<EncodedReply>;
  /** For one that does not watch it is lost: what is asked of it ends at its deadline. */
  post(workerId: WorkerId, reply: EncodedReply): void;
  /**
   * The same for what another worker sends; resolves when there is room for more.
   * @throws GradswarmError `notFound` when nobody watches, `cancelled` by the signal.
   */
  relay(workerId: WorkerId, reply: EncodedReply, signal: AbortSignal): Promise<void>;
}

interface Box {
  readonly queue: EncodedReply[];
  bytes: number;
  isClosed: boolean;
  /** Wakes the watcher, and senders that wait for room. */
  readonly waiting: Set<() => void>;
}

export function createRingMail(): RingMail {
  const boxes = new Map<WorkerId, Box>();

  return {
    watch(workerId, signal) {
      const former = boxes.get(workerId);
      if (former !== undefined) close(former);
      const box: Box = { queue: [], bytes: 0, isClosed: false, waiting: new Set() };
      boxes.set(workerId, box);
      const stop = (): void => {
        close(box);
        if (boxes.get(workerId) === box) boxes.delete(workerId);
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      return drain(box, stop);
    },
    post(workerId, reply) {
      const box = boxes.get(workerId);
      if (box !== undefined) put(box, reply);
    },
    async relay(workerId, reply, signal) {
      const box = boxes.get(workerId);
      if (box === undefined) {
        throw new GradswarmError('notFound', 'The member does not watch its ring.', 'to');
      }
      const wake = (): void => wakeAll(box);
      signal.addEventListener('abort', wake);
      put(box, reply);
      while (isFull(box) && !signal.aborted) await changed(box);
      signal.removeEventListener('abort', wake);
    },
  };
}

function put(box: Box, reply: EncodedReply): void {
  box.queue.push(reply);
  box.bytes += reply.payload.length;
  wakeAll(box);
}

function isFull({ queue, bytes, isClosed }: Box): boolean {
  return !isClosed && (bytes > limits.ringRelayBytesMax || queue.length > limits.ringRelayMessagesMax);
}

function close(box: Box): void {
  box.isClosed = true;
  box.queue.length = 0;
  wakeAll(box);
}

function wakeAll({ waiting }: Box): void {
  const woken = [...waiting];
  waiting.clear();
  for (const wake of woken) wake();
}

function changed({ waiting }: Box): Promise<void> {
  return new Promise((resolve) => {
    waiting.add(resolve);
  });
}

async function* drain(box: Box, stop: () => void): AsyncGenerator<EncodedReply, void, undefined> {
  try {
    for (;;) {
      const reply = box.queue.shift();
      if (reply !== undefined) {
        box.bytes -= reply.payload.length;
        wakeAll(box);
        yield reply;
      } else if (box.isClosed) {
        return;
      } else {
        await changed(box);
      }
    }
  } finally {
    stop();
  }
}
