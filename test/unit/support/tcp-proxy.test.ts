import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../../shared/base/random.ts';
import { pipeBytesMax } from '../../support/tcp-pipe.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

/** A socket with what it has received, and how it ended. */
class Endpoint {
  readonly socket: Socket;
  hasEnded = false;
  error: NodeJS.ErrnoException | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#wake();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.#wake();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => this.#wake());
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get length(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  async until(accept: () => boolean): Promise<void> {
    while (!accept()) await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

interface Bench {
  readonly proxy: TcpProxy;
  /** A new connection through the proxy. */
  open(): Endpoint;
  /** The target's end of the connections, in the order in which they came. */
  accepted(index: number): Promise<Endpoint>;
  readonly acceptedCount: number;
}

async function openBench(seed = 1): Promise<Bench> {
  const ends: Endpoint[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    ends.push(new Endpoint(socket));
    server.emit('accepted');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await TcpProxy.open({ target: { host: '127.0.0.1', port }, seed });
  const opened: Endpoint[] = [];
  onTestFinished(async () => {
    for (const { socket } of [...opened, ...ends]) socket.destroy();
    await proxy.close();
    server.close();
  });
  return {
    proxy,
    open() {
      const endpoint = new Endpoint(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }));
      opened.push(endpoint);
      return endpoint;
    },
    async accepted(index) {
      for (;;) {
        const end = ends[index];
        if (end !== undefined) return end;
        await once(server, 'accepted');
      }
    },
    get acceptedCount() {
      return ends.length;
    },
  };
}

/** As long as bytes take there and back through another proxy, several times: what was to come has come. */
async function settle(): Promise<void> {
  const bench = await openBench();
  const source = bench.open();
  const target = await bench.accepted(0);
  for (let round = 1; round <= 20; round++) {
    source.socket.write('x');
    await target.until(() => target.length === round);
    target.socket.write('x');
    await source.until(() => source.length === round);
    await nextTurn();
  }
}

function randomBytes(length: number): Buffer {
  const random = createRandom(length);
  return Buffer.from(Uint32Array.from({ length: length / 4 }, () => random.uint32()).buffer);
}

describe('a proxy without faults', () => {
  it('carries bytes in both directions, and the end of each', async () => {
    const bench = await openBench();
    const source = bench.open();
    source.socket.end('question');
    const target = await bench.accepted(0);
    await target.until(() => target.hasEnded);
    expect(target.text).toBe('question');
    target.socket.end('answer');
    await source.until(() => source.hasEnded);
    expect(source.text).toBe('answer');
  });

  it('carries many bytes unchanged', async () => {
    const bench = await openBench();
    const source = bench.open();
    const bytes = randomBytes(4 * 1024 * 1024);
    source.socket.end(bytes);
    const target = await bench.accepted(0);
    await target.until(() => target.hasEnded);
    expect(target.bytes.equals(bytes)).toBe(true);
  });

  it('keeps nothing of connections that have ended', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    source.socket.end();
    target.socket.end();
    await Promise.all([source, target].map((end) => end.until(() => end.socket.destroyed)));
    while (bench.proxy.connections > 0) await nextTurn();
    expect(bench.proxy.heldBytes).toBe(0);
  });

  it('tells a reset to the other side', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    target.socket.resetAndDestroy();
    await source.until(() => source.socket.destroyed);
    expect(source.error?.code).toBe('ECONNRESET');
  });

  it('resets connections when nobody listens at the target', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const proxy = await TcpProxy.open({ target: { host: '127.0.0.1', port }, seed: 1 });
    onTestFinished(() => proxy.close());
    const source = new Endpoint(connect(proxy.port, '127.0.0.1'));
    await source.until(() => source.socket.destroyed);
    expect(source.error?.code).toBe('ECONNRESET');
  });
});

describe('latency', () => {
  it('keeps every byte back for its time', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.setFaults({ latencyMs: 80 }, 'toTarget');
    const startedMs = performance.now();
    source.socket.write('late');
    await target.until(() => target.text === 'late');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(80);
  });

  it('with jitter keeps the order of bytes', async () => {
    const bench = await openBench();
    bench.proxy.setFaults({ latencyMs: 1, jitterMs: 20 });
    const source = bench.open();
    const target = await bench.accepted(0);
    for (let number = 0; number < 50; number++) {
      source.socket.write(`${number},`);
      await nextTurn();
    }
    source.socket.end();
    await target.until(() => target.hasEnded);
    expect(target.text).toBe(Array.from({ length: 50 }, (_, number) => `${number},`).join(''));
  });
});

describe('a bandwidth', () => {
  it('spreads bytes over time', async () => {
    const bench = await openBench();
    bench.proxy.setFaults({ bytesPerSecond: 100_000 }, 'toTarget');
    const source = bench.open();
    const bytes = randomBytes(20_000);
    const startedMs = performance.now();
    source.socket.end(bytes);
    const target = await bench.accepted(0);
    await target.until(() => target.hasEnded);
    // The first piece goes at once.
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(170);
    expect(target.bytes.equals(bytes)).toBe(true);
  });
});

describe('a stall', () => {
  it('keeps bytes, ends and new connections back until it is over', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.setFaults({ isStalled: true });
    source.socket.end('from the source');
    target.socket.end('from the target');
    const late = bench.open();
    late.socket.end('a new one');
    await settle();
    expect([source.length, target.length, source.hasEnded, target.hasEnded]).toEqual([0, 0, false, false]);
    expect(bench.acceptedCount).toBe(1);
    bench.proxy.heal();
    const lateTarget = await bench.accepted(1);
    await Promise.all([source, target, lateTarget].map((end) => end.until(() => end.hasEnded)));
    expect([source.text, target.text, lateTarget.text]).toEqual([
      'from the target',
      'from the source',
      'a new one',
    ]);
  });

  it('keeps resets back, as a cut cable does', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.setFaults({ isStalled: true });
    target.socket.resetAndDestroy();
    await settle();
    expect(source.socket.destroyed).toBe(false);
    bench.proxy.heal();
    await source.until(() => source.socket.destroyed);
    expect(source.error?.code).toBe('ECONNRESET');
  });

  it.each(['toTarget', 'toSource'] as const)('of one way, %s, leaves the other alone', async (direction) => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    const [sender, receiver] = direction === 'toTarget' ? [source, target] : [target, source];
    bench.proxy.setFaults({ isStalled: true }, direction);
    sender.socket.write('held');
    receiver.socket.write('free');
    await sender.until(() => sender.text === 'free');
    await settle();
    expect(receiver.length).toBe(0);
    bench.proxy.heal();
    await receiver.until(() => receiver.text === 'held');
  });

  it('holds only so many bytes, and loses none', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.setFaults({ isStalled: true });
    const bytes = randomBytes(32 * 1024 * 1024);
    source.socket.end(bytes);
    while (bench.proxy.heldBytes < pipeBytesMax) await nextTurn();
    await settle();
    const readAtOnce = 64 * 1024;
    expect(bench.proxy.heldBytes).toBeLessThanOrEqual(pipeBytesMax + readAtOnce);
    expect(source.socket.writableLength).toBeGreaterThan(0);
    bench.proxy.heal();
    await target.until(() => target.hasEnded);
    expect(target.bytes.equals(bytes)).toBe(true);
    expect(bench.proxy.heldBytes).toBe(0);
  });
});

describe('a connection that breaks', () => {
  it('by reset is gone on both sides, and a new one can be made', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.reset();
    await Promise.all([source, target].map((end) => end.until(() => end.socket.destroyed)));
    expect([source.error?.code, target.error?.code]).toEqual(['ECONNRESET', 'ECONNRESET']);
    const again = bench.open();
    again.socket.write('again');
    const newTarget = await bench.accepted(1);
    await newTarget.until(() => newTarget.text === 'again');
  });

  it.each(['source', 'target'] as const)(
    'half, with only the %s told, swallows what the other sends',
    async (told) => {
      const bench = await openBench();
      const source = bench.open();
      const target = await bench.accepted(0);
      const [hearing, deaf] = told === 'source' ? [source, target] : [target, source];
      bench.proxy.halfOpen(told);
      await hearing.until(() => hearing.socket.destroyed);
      expect(hearing.error?.code).toBe('ECONNRESET');
      deaf.socket.write('is anybody there?');
      await settle();
      expect([deaf.socket.destroyed, deaf.length, hearing.length]).toEqual([false, 0, 0]);
    },
  );

  it('by refusal is only a new one', async () => {
    const bench = await openBench();
    const source = bench.open();
    const target = await bench.accepted(0);
    bench.proxy.refuse(true);
    const refused = bench.open();
    await refused.until(() => refused.socket.destroyed);
    expect(refused.error?.code).toBe('ECONNRESET');
    source.socket.write('still here');
    await target.until(() => target.text === 'still here');
    bench.proxy.heal();
    bench.open();
    await bench.accepted(1);
  });
});
