import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { portableSha256 } from '../../../../../client/worker/data/sha256.ts';
import { createInbox, type Inbox } from '../../../../../client/worker/ring/inbox.ts';
import { splitBatch, takeBatch } from '../../../../../client/worker/ring/relay-batch.ts';
import type { QuotedRing, RingCalls, RingReport } from '../../../../../client/worker/ring/ring-calls.ts';
import { createRingDesk, type RingDesk } from '../../../../../client/worker/ring/ring-desk.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { crc32 } from '../../../../../shared/protocol/checksum.ts';
import { type RingEvent, workerService } from '../../../../../shared/protocol/services.ts';
import { systemTimers } from '../../../../../shared/system/system-timers.ts';
import { packSums } from '../../../../../shared/tensor/packed-sums.ts';
import { until } from '../session/support/until.ts';

const schema = workerService.method.watchRing.output;
const length = 20_000;
const ring: QuotedRing = { jobId: 'digits', epoch: 5, round: 3, ringId: 9, ringEpoch: 1 };

interface Item {
  readonly message: RingEvent;
  readonly payload: Uint8Array;
}

/** Members in one process, and in place of their coordinator what passes between them. */
class Members {
  readonly reports: { readonly from: string; readonly report: RingReport }[] = [];
  readonly uploads: { readonly from: string; readonly hash: string; readonly payload: Uint8Array }[] = [];
  readonly troubles: string[] = [];
  readonly desks = new Map<string, RingDesk>();
  private readonly mail = new Map<string, Inbox<Item>>();
  private readonly stopping = new AbortController();
  private readonly tamper: (from: string, bytes: Uint8Array) => void;

  constructor(names: readonly string[], tamper: (from: string, bytes: Uint8Array) => void = () => {}) {
    this.tamper = tamper;
    for (const name of names) {
      this.mail.set(name, createInbox());
      const desk = createRingDesk({
        calls: this.callsOf(name),
        self: name,
        transports: [],
        sha256: portableSha256,
        checksum: crc32,
        timers: systemTimers,
        onTrouble: (error) => this.troubles.push(String(error)),
      });
      this.desks.set(name, desk);
      void desk.run(this.stopping.signal);
    }
  }

  tell(to: string, event: object, payload: Uint8Array = new Uint8Array(0)): void {
    this.mail.get(to)?.put({ message: create(schema, { event } as never), payload });
  }

  plan(units: Readonly<Record<string, readonly number[]>>, channel = 'relay'): void {
    const members = Object.entries(units).map(([workerId, held]) => ({ workerId, units: [...held] }));
    const weight = members.reduce((sum, member) => sum + member.units.length, 0);
    const value = { ring, members, channel, weight, deadlineMs: 60_000 };
    for (const { workerId } of members) this.tell(workerId, { case: 'plan', value });
  }

  async hold(name: string, unit: number): Promise<void> {
    const { jobId, epoch, ringId } = ring;
    const add = (sum: Float64Array): void => {
      for (let index = 0; index < length; index++) sum[index] = (sum[index] ?? 0) + addend(unit, index);
    };
    await this.desks.get(name)?.hold({ jobId, epoch, ringId, unit, length }, async () => {}, add);
  }

  stop(): void {
    this.stopping.abort();
  }

  private callsOf(name: string): RingCalls {
    const { mail, reports, uploads } = this;
    return {
      async *watch(signal) {
        const inbox = mail.get(name);
        const queue: Item[] = [];
        let wake = (): void => {};
        if (inbox !== undefined)
          inbox.listener = (item) => {
            queue.push(item);
            wake();
          };
        signal.addEventListener('abort', () => wake());
        while (!signal.aborted) {
          const item = queue.shift();
          if (item !== undefined) yield item;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      },
      relay: async (quoted, to, payload) => {
        this.tamper(name, payload);
        this.tell(to, { case: 'relayed', value: { ring: quoted, from: name } }, payload);
      },
      signal: async () => {},
      report: async (_, report) => void reports.push({ from: name, report }),
      upload: async (_, hash, payload) => void uploads.push({ from: name, hash, payload }),
    };
  }
}

function addend(unit: number, index: number): number {
  return ((index * 7 + unit * 13) % 101) * 2 ** -12;
}

function packedSum(units: readonly number[]): Uint8Array {
  return packSums(
    Float64Array.from({ length }, (_, index) => units.reduce((sum, unit) => sum + addend(unit, index), 0)),
  );
}

async function ringOfThree(tamper?: (from: string, bytes: Uint8Array) => void): Promise<Members> {
  const members = new Members(['a', 'b', 'c'], tamper);
  await members.hold('a', 0);
  await members.hold('b', 1);
  await members.hold('c', 2);
  await members.hold('a', 3);
  return members;
}

describe('a member of a ring', () => {
  it('sums with its neighbours over the relay, and hands in what they agree on', async () => {
    const members = await ringOfThree();
    members.plan({ a: [0, 3], b: [1], c: [2] });
    await until(() => members.reports.length === 3);
    const expected = packedSum([0, 1, 2, 3]);
    const hash = await portableSha256(expected);
    expect(members.reports.map(({ report }) => report.sumHash)).toEqual([hash, hash, hash]);
    expect(members.reports.every(({ report }) => report.bytesPerSecond > 0)).toBe(true);
    members.tell('b', { case: 'upload', value: { ring, units: [], deadlineMs: 1_000 } });
    await until(() => members.uploads.length === 1);
    expect(members.uploads[0]).toEqual({ from: 'b', hash, payload: expected });
    expect(members.troubles).toEqual([]);
    members.stop();
  });

  it('hands in its own sum where it is asked for one', async () => {
    const members = await ringOfThree();
    members.tell('a', { case: 'upload', value: { ring, units: [0, 3], deadlineMs: 1_000 } });
    await until(() => members.uploads.length === 1);
    expect(members.uploads[0]?.payload).toEqual(packedSum([0, 3]));
    members.tell('a', { case: 'upload', value: { ring, units: [0], deadlineMs: 1_000 } });
    await until(() => members.troubles.length === 1);
    members.stop();
  });

  it('goes on in the next ring epoch with what it held', async () => {
    const members = await ringOfThree();
    members.plan({ a: [0, 3], b: [1], c: [2] });
    for (const name of ['a', 'b', 'c']) members.tell(name, { case: 'over', value: { ring } });
    // A unit is handed out again after that, and so held after that.
    await new Promise((resolve) => setImmediate(resolve));
    await members.hold('b', 4);
    const next = { ...ring, ringEpoch: 2 };
    const value = { ring: next, channel: 'relay', weight: 4, deadlineMs: 60_000 };
    const both = [
      { workerId: 'a', units: [0, 3] },
      { workerId: 'b', units: [1, 4] },
    ];
    members.reports.length = 0;
    for (const name of ['a', 'b']) members.tell(name, { case: 'plan', value: { ...value, members: both } });
    const hash = await portableSha256(packedSum([0, 3, 1, 4]));
    await until(() => members.reports.filter(({ report }) => report.sumHash === hash).length === 2);
    members.stop();
  });

  it.each<[string, (bytes: Uint8Array) => void, string]>([
    ['a damaged sum', (bytes) => bytes.fill(bytes.at(-1) === 1 ? 2 : 1, -1), 'checksumMismatch'],
    ['no message of a ring', (bytes) => bytes.fill(0, 4, 8), 'malformedFrame'],
    ['no row of messages', (bytes) => bytes.fill(0xff, 0, 4), 'malformedFrame'],
  ])('reports that its predecessor sent %s', async (_, damage, code) => {
    const members = await ringOfThree((from, bytes) => {
      if (from === 'a') damage(bytes);
    });
    members.plan({ a: [0, 3], b: [1], c: [2] });
    await until(() => members.reports.length > 0);
    expect(members.reports[0]).toMatchObject({ from: 'b', report: { failure: code, sumHash: '' } });
    members.stop();
  });

  it('reports a plan over channels that it does not offer', async () => {
    const members = await ringOfThree();
    members.plan({ a: [0, 3], b: [1], c: [2] }, 'webrtc');
    await until(() => members.reports.length === 3);
    expect(members.reports[0]?.report).toMatchObject({ failure: 'unreachable', sumHash: '' });
    members.stop();
  });

  it('reports a plan with units that it does not hold', async () => {
    const members = await ringOfThree();
    members.plan({ a: [0], b: [1], c: [2] });
    await until(() => members.reports.length > 0);
    expect(members.reports[0]).toMatchObject({ from: 'a', report: { failure: 'conflict' } });
    members.stop();
  });
});

describe('messages relayed together', () => {
  it('are cut where one call ends, and come out as they went in', () => {
    const size = limits.ringRelayBatchBytesMax / 2;
    const queue = [new Uint8Array(size).fill(1), new Uint8Array(10).fill(2), new Uint8Array(size).fill(3)];
    const first = splitBatch(takeBatch(queue));
    expect(first.map(({ length: bytes }) => bytes)).toEqual([size, 10]);
    expect(splitBatch(takeBatch(queue))[0]?.[0]).toBe(3);
    expect(splitBatch(takeBatch(queue))).toEqual([]);
  });
});
