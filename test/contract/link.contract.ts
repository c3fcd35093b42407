import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../shared/base/limits.ts';
import type { Link, LinkClosed } from '../../shared/protocol/link.ts';

export interface LinkEnds {
  readonly client: Link;
  readonly server: Link;
  /** Frees what `connect` made. */
  release(): Promise<void>;
}

const collect = (link: Link, count: number): Promise<Uint8Array[]> =>
  new Promise((resolve) => {
    const received: Uint8Array[] = [];
    link.onMessage = (bytes) => {
      received.push(bytes.slice());
      if (received.length === count) resolve(received);
    };
  });

const closeOf = (link: Link): Promise<LinkClosed> =>
  new Promise((resolve) => {
    link.onClose = (code, reason) => resolve({ code, reason });
  });

/** What holds for every adapter of `Link`; an adapter's test brings two joined ends. */
export function describeLink(name: string, connect: () => Promise<LinkEnds>): void {
  describe(`${name} as a link`, () => {
    let release: (() => Promise<void>) | undefined;
    afterEach(async () => {
      await release?.();
      release = undefined;
    });
    const open = async (): Promise<LinkEnds> => {
      const ends = await connect();
      release = () => ends.release();
      return ends;
    };

    test('delivers whole messages in order, both ways', async () => {
      const { client, server } = await open();
      const messages = [0, 1, 7, 65_536, limits.frameBytesMax, 3].map((size, index) =>
        new Uint8Array(size).fill(index),
      );
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        const arrived = collect(to, messages.length);
        for (const message of messages) from.send(message);
        const received = await arrived;
        expect(received.every((bytes, index) => Buffer.compare(bytes, messages[index]!) === 0)).toBe(true);
      }
    });

    test('counts what has not left yet', async () => {
      const { client, server } = await open();
      const arrived = collect(server, 17);
      expect(client.bufferedBytes).toBe(0);
      for (let index = 0; index < 16; index++) client.send(new Uint8Array(1_000_000));
      expect(client.bufferedBytes).toBeGreaterThan(0);
      client.send(new Uint8Array(1));
      await arrived;
      await expect.poll(() => client.bufferedBytes).toBe(0);
    });

    test('tells both ends code and reason of the close, after what was sent before', async () => {
      const { client, server } = await open();
      const arrived = collect(server, 1);
      const closes = Promise.all([closeOf(client), closeOf(server)]);
      client.send(new Uint8Array(10));
      client.close(4400, 'malformedFrame: no');
      client.send(new Uint8Array(20));
      const closed = { code: 4400, reason: 'malformedFrame: no' };
      expect(await closes).toEqual([closed, closed]);
      expect((await arrived).map(({ length }) => length)).toEqual([10]);
    });

    test('takes no offence at a second close, or at sending to a closed peer', async () => {
      const { client, server } = await open();
      const closed = closeOf(client);
      server.close();
      server.close(4401, 'again');
      expect((await closed).code).toBe(1000);
      client.send(new Uint8Array(1));
      client.close();
    });
  });
}
