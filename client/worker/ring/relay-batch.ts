import { limits } from '../../../shared/base/limits.ts';

/** Messages that are relayed together: each after its length, u32 little-endian. */
const lengthBytes = 4;

/** Takes messages from the front of `queue`, as many as one call may carry and at least one. */
export function takeBatch(queue: Uint8Array[]): Uint8Array {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const next = queue[0];
    if (next === undefined) break;
    const after = bytes + lengthBytes + next.length;
    if (taken.length > 0 && after > limits.ringRelayBatchBytesMax) break;
    taken.push(next);
    queue.shift();
    bytes = after;
  }
  const batch = new Uint8Array(bytes);
  const view = new DataView(batch.buffer);
  let offset = 0;
  for (const message of taken) {
    view.setUint32(offset, message.length, true);
    batch.set(message, offset + lengthBytes);
    offset += lengthBytes + message.length;
  }
  return batch;
}

/** What is no row of messages is given on as one, for its reader to refuse. */
export function splitBatch(batch: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const messages: Uint8Array[] = [];
  let offset = 0;
  while (offset < batch.length) {
    const end =
      offset + lengthBytes <= batch.length ? offset + lengthBytes + view.getUint32(offset, true) : 0;
    if (end <= offset || end > batch.length) return [batch];
    messages.push(batch.subarray(offset + lengthBytes, end));
    offset = end;
  }
  return messages;
}
