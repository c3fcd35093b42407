import { describe, expect, test } from 'vitest';
import { createBroadcast } from '../../../../server/net/broadcast.ts';
import type { EncodedReply } from '../../../../shared/protocol/rpc-handlers.ts';

const item = (value: number): EncodedReply => ({
  encoded: Uint8Array.of(value),
  payload: new Uint8Array(0),
  checksum: 0,
});
const resync = (value: number): EncodedReply => item(100 + value);

async function read(stream: AsyncIterator<EncodedReply>, count: number): Promise<(number | undefined)[]> {
  const values: (number | undefined)[] = [];
  for (let index = 0; index < count; index++) {
    const { done, value } = await stream.next();
    values.push(done ? undefined : value.encoded[0]);
  }
  return values;
}

describe('a broadcast', () => {
  test('gives every watcher of a topic the same bytes, in order', async () => {
    const broadcast = createBroadcast();
    const { signal } = new AbortController();
    const watchers = ['a', 'a', 'b'].map((topic) => broadcast.watch(topic, signal)[Symbol.asyncIterator]());
    broadcast.publish('a', item(1), resync(1));
    broadcast.publish('b', item(2), resync(2));
    broadcast.publish('a', item(3), resync(3));
    expect(await read(watchers[0]!, 2)).toEqual([1, 3]);
    expect(await read(watchers[1]!, 2)).toEqual([1, 3]);
    expect(await read(watchers[2]!, 1)).toEqual([2]);
  });

  test('sends who falls behind the newest resync, then goes on', async () => {
    const broadcast = createBroadcast(3);
    const watcher = broadcast.watch('a', new AbortController().signal)[Symbol.asyncIterator]();
    for (let version = 1; version <= 6; version++) broadcast.publish('a', item(version), resync(version));
    expect(await read(watcher, 1)).toEqual([106]);
    broadcast.publish('a', item(7), resync(7));
    expect(await read(watcher, 1)).toEqual([7]);
  });

  test('ends with its topic, after what waits', async () => {
    const broadcast = createBroadcast();
    const watcher = broadcast.watch('a', new AbortController().signal)[Symbol.asyncIterator]();
    broadcast.publish('a', item(1), resync(1));
    broadcast.end('a');
    expect(await read(watcher, 2)).toEqual([1, undefined]);
  });

  test('forgets a watcher that gives up, whether it waits or not', async () => {
    const broadcast = createBroadcast();
    const abort = new AbortController();
    const waiting = broadcast.watch('a', abort.signal)[Symbol.asyncIterator]();
    const next = waiting.next();
    broadcast.watch('a', abort.signal);
    expect(broadcast.watchers('a')).toBe(2);
    abort.abort();
    expect((await next).done).toBe(true);
    expect(broadcast.watchers('a')).toBe(0);
  });
});
