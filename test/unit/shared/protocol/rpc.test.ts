import { describe, expect, test } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { encodeFrame, frameKinds } from '../../../../shared/protocol/frame.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import { createRpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { adminService, workerService } from '../../../../shared/protocol/services.ts';
import { systemTimers } from '../../../../shared/system/system-timers.ts';
import { chunkBytes, codeOfRejection, connectServer, noise } from './rpc-fixture.ts';

const { register, lease, contribute, getParameters, watchParameters, heartbeat } = workerService.method;

describe('a unary call', () => {
  test('carries request and answer', async () => {
    const { client } = connectServer({
      register: { answer: ({ name }) => ({ message: { workerId: `w-${name}`, epoch: 3 } }) },
    });
    const { message, payload } = await client.unary(register, { name: 'ada' });
    expect(message).toMatchObject({ workerId: 'w-ada', epoch: 3 });
    expect(payload.length).toBe(0);
  });

  test('carries payloads of every size both ways, each in a buffer of its own', async () => {
    const { client } = connectServer({
      contribute: {
        payloadBytesMax: () => 3 * chunkBytes,
        answer: (_request, _context, payload) => {
          expect(payload.buffer.byteLength).toBe(payload.byteLength);
          return { message: {}, payload };
        },
      },
    });
    for (const size of [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes + 7]) {
      const sent = noise(size);
      const { payload } = await client.unary(contribute, {}, { payload: sent });
      expect(Buffer.compare(payload, sent)).toBe(0);
      expect(payload.buffer.byteLength).toBe(payload.byteLength);
    }
  });

  test('runs beside others, and answers come in their own order', async () => {
    const releases: (() => void)[] = [];
    const { client } = connectServer({
      lease: {
        answer: async ({ jobId }) => {
          await new Promise<void>((resolve) => releases.push(resolve));
          return { message: { reason: jobId } };
        },
      },
    });
    const calls = ['a', 'b', 'c'].map((jobId) => client.unary(lease, { jobId }));
    await expect.poll(() => releases.length).toBe(3);
    for (const release of releases.reverse()) release();
    const reasons = (await Promise.all(calls)).map(({ message }) => message.reason);
    expect(reasons).toEqual(['a', 'b', 'c']);
  });

  test('rejects with the code, words and field of the refusal', async () => {
    const { client } = connectServer({
      contribute: {
        answer: () => {
          throw new GradswarmError('wrongVersion', 'computed from 3, now 5', 'version');
        },
      },
    });
    await expect(client.unary(contribute, {})).rejects.toMatchObject({
      code: 'wrongVersion',
      message: 'computed from 3, now 5',
      field: 'version',
    });
  });

  test('hides a defect from the peer, and tells the server of it', async () => {
    const { client, defects } = connectServer({
      heartbeat: {
        answer: () => {
          throw new TypeError('undefined is not a function');
        },
      },
    });
    expect(await codeOfRejection(client.unary(heartbeat, {}))).toBe('internal');
    expect(defects).toEqual(['undefined is not a function']);
  });

  test('ends at the time-out, and the handler learns it', async () => {
    let signal: AbortSignal | undefined;
    const { client } = connectServer({
      lease: {
        answer: (_request, context) => {
          signal = context.signal;
          return new Promise(() => {});
        },
      },
    });
    expect(await codeOfRejection(client.unary(lease, {}, { timeoutMs: 1 }))).toBe('unavailable');
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  test('is not given up by a thread that was busy until now: its answer may wait unread', async () => {
    const [clientLink] = createLinkPair();
    const tasks: { readonly delayMs: number; readonly task: () => void }[] = [];
    let nowMs = 0;
    const after = (delayMs: number, task: () => void): (() => void) => {
      tasks.push({ delayMs, task });
      return () => {};
    };
    const client = createRpcClient(clientLink, { timers: { nowMs: () => nowMs, after } });
    const call = codeOfRejection(client.unary(heartbeat, {}, { timeoutMs: 10 }));
    nowMs = 10 + limits.blockedThreadMs;
    tasks[0]?.task();
    expect(tasks.map(({ delayMs }) => delayMs)).toEqual([10, limits.blockedThreadMs]);
    tasks[1]?.task();
    expect(await call).toBe('unavailable');
  });

  test('is cancelled by the caller, and the handler learns it', async () => {
    let signal: AbortSignal | undefined;
    const { client } = connectServer({
      lease: {
        answer: (_request, context) => {
          signal = context.signal;
          return new Promise(() => {});
        },
      },
    });
    const abort = new AbortController();
    const call = codeOfRejection(client.unary(lease, {}, { signal: abort.signal }));
    await expect.poll(() => signal).toBeDefined();
    abort.abort();
    expect(await call).toBe('cancelled');
    await expect.poll(() => signal?.aborted).toBe(true);
    expect(await codeOfRejection(client.unary(lease, {}, { signal: abort.signal }))).toBe('cancelled');
  });

  test('ends with the connection, now and later', async () => {
    const { client, server } = connectServer({ lease: { answer: () => new Promise(() => {}) } });
    const call = codeOfRejection(client.unary(lease, {}));
    server.close(new GradswarmError('quarantined', 'eight faults'));
    expect(await call).toBe('connectionLost');
    expect(await client.closed).toEqual({ code: 4403, reason: 'quarantined: eight faults' });
    expect(await codeOfRejection(client.unary(lease, {}))).toBe('connectionLost');
  });

  test('is refused when the answer is larger than the caller wants', async () => {
    const { client } = connectServer({
      getParameters: { answer: () => ({ message: {}, payload: new Uint8Array(101) }) },
    });
    expect(await codeOfRejection(client.unary(getParameters, {}, { payloadBytesMax: 100 }))).toBe('tooLarge');
    expect((await client.unary(getParameters, {}, { payloadBytesMax: 101 })).payload.length).toBe(101);
  });
});

describe('a stream', () => {
  test('brings items with their payloads, then ends', async () => {
    const { client } = connectServer({
      watchParameters: {
        async *answer() {
          for (const size of [3, 0, 2 * chunkBytes + 1]) {
            yield { message: { version: size }, payload: noise(size) };
          }
        },
      },
    });
    const sizes: number[] = [];
    for await (const { message, payload } of client.stream(watchParameters, { jobId: 'mnist' })) {
      expect(Buffer.compare(payload, noise(message.version))).toBe(0);
      sizes.push(payload.length);
    }
    expect(sizes).toEqual([3, 0, 2 * chunkBytes + 1]);
  });

  test('is cancelled by leaving the loop', async () => {
    let signal: AbortSignal | undefined;
    const { client } = connectServer({
      watchParameters: {
        async *answer(_request, context) {
          signal = context.signal;
          for (let version = 1; !context.signal.aborted; version++) {
            yield { message: { version } };
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
      },
    });
    for await (const { message } of client.stream(watchParameters, {})) {
      if (message.version === 3) break;
    }
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  test('fails in the middle with the code that ended it', async () => {
    const { client } = connectServer({
      watchParameters: {
        async *answer() {
          yield { message: { version: 1 } };
          throw new GradswarmError('jobNotRunning', 'paused');
        },
      },
    });
    const versions: number[] = [];
    const reading = (async () => {
      for await (const { message } of client.stream(watchParameters, {})) versions.push(message.version);
    })();
    expect(await codeOfRejection(reading)).toBe('jobNotRunning');
  });

  test('that nobody reads does not fill the memory', async () => {
    const { client } = connectServer({
      watchParameters: {
        async *answer() {
          for (;;) yield { message: {} };
        },
      },
    });
    const stream = client.stream(watchParameters, {})[Symbol.asyncIterator]();
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await codeOfRejection(stream.next())).toBe('tooLarge');
  });
});

describe('the server', () => {
  test('asks for the payload maximum before anything is taken in', async () => {
    const asked: string[] = [];
    const { client } = connectServer({
      contribute: {
        payloadBytesMax: ({ jobId }) => {
          asked.push(jobId);
          if (jobId !== 'mnist') throw new GradswarmError('unknownJob', `no job ${jobId}`, 'jobId');
          return 10;
        },
        answer: () => ({ message: {} }),
      },
    });
    const send = (jobId: string, size: number): Promise<string> =>
      codeOfRejection(client.unary(contribute, { jobId }, { payload: noise(size) }));
    expect(await send('mnist', 11)).toBe('tooLarge');
    expect(await send('mnist', 3 * chunkBytes)).toBe('tooLarge');
    expect(await send('other', 1)).toBe('unknownJob');
    expect(await send('mnist', 10)).toBe('resolved');
    expect(asked).toEqual(['mnist', 'mnist', 'other', 'mnist']);
  });

  test('takes no payload where none is expected', async () => {
    const { client } = connectServer({ heartbeat: { answer: () => ({ message: {} }) } });
    expect(await codeOfRejection(client.unary(heartbeat, {}, { payload: noise(1) }))).toBe('tooLarge');
  });

  test('knows only its own methods', async () => {
    const { client } = connectServer({});
    expect(await codeOfRejection(client.unary(adminService.method.listJobs, {}))).toBe('notFound');
  });

  test('refuses calls above the number that may be under way', async () => {
    const { client } = connectServer({ lease: { answer: () => new Promise(() => {}) } });
    for (let call = 0; call < limits.callsPerConnectionMax; call++)
      void codeOfRejection(client.unary(lease, {}));
    expect(await codeOfRejection(client.unary(lease, {}))).toBe('rateLimited');
  });

  test('asks who may call before it reads the message', async () => {
    const [clientLink, serverLink] = createLinkPair();
    const client = createRpcClient(clientLink, { timers: systemTimers });
    const { serve } = connectServer({}, (_connection, method) => {
      throw new GradswarmError('notRegistered', `${method} needs Register first`);
    });
    serve(serverLink);
    await expect(client.unary(heartbeat, {})).rejects.toMatchObject({
      code: 'notRegistered',
      message: 'WorkerService/Heartbeat needs Register first',
    });
  });

  test('closes on frames that no client sends, and says why', async () => {
    const good = { call: 1, kind: frameKinds.REQUEST, method: 'WorkerService/Lease' };
    const cases: [frames: Uint8Array[], code: number, reason: string][] = [
      [[new Uint8Array([1, 2])], 4400, 'malformedFrame'],
      [[encodeFrame({ call: 1, kind: frameKinds.RESPONSE })], 4400, 'malformedFrame'],
      [[encodeFrame({ call: 1 })], 4400, 'malformedFrame'],
      [[encodeFrame(good), encodeFrame(good)], 4400, 'malformedFrame: call 1 is already under way'],
      [[new Uint8Array(limits.frameBytesMax + 1)], 4413, 'tooLarge'],
      [
        Array.from({ length: limits.callsPerConnectionPerSecondMax + 50 }, () =>
          encodeFrame({ call: 9, kind: frameKinds.CANCEL }),
        ),
        4429,
        'rateLimited',
      ],
    ];
    for (const [frames, code, reason] of cases) {
      const { serve } = connectServer({ lease: { answer: () => new Promise(() => {}) } });
      const [raw, serverLink] = createLinkPair();
      const { closed } = serve(serverLink);
      for (const frame of frames) raw.send(frame);
      expect(await closed).toMatchObject({ code, reason: expect.stringContaining(reason) });
    }
  });
});
