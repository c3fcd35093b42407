import { createHash } from 'node:crypto';
import { createHeldSums, type HeldSum } from '../../client/worker/ring/held-sums.ts';
import { createInbox, type Inbox } from '../../client/worker/ring/inbox.ts';
import { splitBatch, takeBatch } from '../../client/worker/ring/relay-batch.ts';
import type { RingTold } from '../../server/core/effect-values.ts';
import type { Event } from '../../server/core/events.ts';
import { type ErrorCode, GradswarmError } from '../../shared/base/errors.ts';
import type { JobId, WorkerId } from '../../shared/base/ids.ts';
import { crc32 } from '../../shared/protocol/checksum.ts';
import { createRingExchange, type RingExchange } from '../../shared/sync/ring/ring-exchange.ts';
import { decodeRingMessage, type RingIdentity } from '../../shared/sync/ring/ring-message.ts';
import { packSums } from '../../shared/tensor/packed-sums.ts';
import type { Lane } from './network.ts';
import type { RingLie } from './ring-lies.ts';
import type { Answer, SimCoordinator } from './sim-coordinator.ts';
import type { World } from './world.ts';

/** What the coordinator sends to a worker that watches for rings. */
export type RingLetter =
  | { readonly jobId: JobId; readonly told: RingTold }
  | { readonly jobId: JobId; readonly identity: RingIdentity; readonly batch: Uint8Array };

type RingCall = Extract<Event, { kind: 'ringReported' | 'ringUploaded' }>;

type Unasked<Call> = Call extends RingCall ? Omit<Call, 'call'> : never;

export interface RingHome {
  readonly world: World;
  readonly coordinator: SimCoordinator;
  readonly workerId: WorkerId;
  /** Carries this worker's messages to the coordinator. */
  readonly lane: Lane;
  /** What it does instead of its part in the exchange that begins now. */
  lie(): RingLie | undefined;
  /** Schedules `run` unless the worker is gone before. */
  later(delayMs: number, run: () => void): void;
  ask(event: Unasked<RingCall>, timeoutMs: number, hear: (answer: Answer | undefined) => void): void;
  die(): void;
}

type Plan = Extract<RingTold, { kind: 'plan' }>;

interface Sum {
  readonly identity: RingIdentity;
  readonly packed: Uint8Array;
  readonly hash: string;
}

/** Small, so that a chunk has more than one. */
const segmentValues = 1;
const patience = 0.7;
const reportMs = 3_000;
const uploadMs = 15_000;
/** As those of `client/worker/ring/run-exchange.ts`. */
const harmless: ReadonlySet<ErrorCode> = new Set(['staleRing', 'staleEpoch', 'wrongRound', 'duplicate']);

/** A worker's end of rings on one connection, as the product's `ring-desk.ts`, around the same sums and exchanges. */
export class SimRingDesk {
  private readonly sums = createHeldSums();
  private readonly parts = new Map<JobId, SimRingPart>();
  private readonly done = new Map<JobId, Sum>();
  private announcing = 0;
  private readonly waiting: (() => void)[] = [];

  private readonly home: RingHome;

  constructor(home: RingHome) {
    this.home = home;
  }

  /** An update is announced; the returned function tells whether it was counted. */
  announce(
    update: Parameters<typeof this.sums.add>[0],
    accumulate: (sum: Float64Array) => void,
  ): (isCounted: boolean) => void {
    this.announcing += 1;
    return (isCounted) => {
      this.announcing -= 1;
      if (isCounted) this.sums.add(update, accumulate);
      if (this.announcing === 0) for (const run of this.waiting.splice(0)) run();
    };
  }

  take(letter: RingLetter): void {
    const { jobId } = letter;
    if ('batch' in letter) {
      this.partOf(jobId, letter.identity)?.relayed.put(letter.batch);
      return;
    }
    const { told } = letter;
    if (told.kind === 'plan') this.begin(jobId, told);
    else if (told.kind === 'over') this.partOf(jobId, told.identity)?.stop();
    else this.settled(() => this.upload(jobId, told));
  }

  /** The answer to the last unit that a plan names may be on its way. */
  private settled(run: () => void): void {
    if (this.announcing === 0) run();
    else this.waiting.push(run);
  }

  private begin(jobId: JobId, plan: Plan): void {
    const { sums, parts, done, home } = this;
    parts.get(jobId)?.stop();
    done.delete(jobId);
    const part = new SimRingPart(home, jobId, plan, (sum) => done.set(jobId, sum));
    parts.set(jobId, part);
    const units = plan.members.find(({ workerId }) => workerId === home.workerId)?.units ?? [];
    this.settled(() => {
      if (!part.isOver) part.run(sums.find(jobId, plan.identity, units));
    });
  }

  private upload(jobId: JobId, { identity, units }: Extract<RingTold, { kind: 'upload' }>): void {
    const { home, done } = this;
    const sum = units.length > 0 ? this.ownSum(jobId, identity, units) : done.get(jobId);
    if (sum === undefined || !isSameRing(sum.identity, identity)) return;
    const lie = home.lie();
    const { hash, packed: payload } = { ...sum, ...lie?.upload?.(sum) };
    const { workerId } = home;
    const handIn = (): void =>
      home.ask({ kind: 'ringUploaded', workerId, jobId, identity, hash, payload }, uploadMs, () => {});
    if (lie?.delayMs === undefined) handIn();
    else home.later(lie.delayMs, handIn);
    done.delete(jobId);
  }

  private ownSum(jobId: JobId, identity: RingIdentity, units: readonly number[]): Sum | undefined {
    const held = this.sums.find(jobId, identity, units);
    return held === undefined ? undefined : sumOf(identity, held.sum);
  }

  private partOf(jobId: JobId, identity: RingIdentity): SimRingPart | undefined {
    const part = this.parts.get(jobId);
    return part !== undefined && isSameRing(part.plan.identity, identity) ? part : undefined;
  }
}

/** As `client/worker/ring/ring-part.ts` and `run-exchange.ts`, over the relay. */
class SimRingPart {
  readonly relayed: Inbox<Uint8Array> = createInbox();
  isOver = false;
  private underWay = 0;
  private refused = 0;
  private lie: RingLie | undefined;

  readonly plan: Plan;
  private readonly home: RingHome;
  private readonly jobId: JobId;
  private readonly keep: (sum: Sum) => void;

  constructor(home: RingHome, jobId: JobId, plan: Plan, keep: (sum: Sum) => void) {
    this.home = home;
    this.jobId = jobId;
    this.plan = plan;
    this.keep = keep;
  }

  stop(): void {
    this.isOver = true;
    this.relayed.listener = () => {};
  }

  run(held: HeldSum | undefined): void {
    const { home, plan, relayed } = this;
    const { members, identity, weight, deadlineMs } = plan;
    const position = members.findIndex(({ workerId }) => workerId === home.workerId);
    if (held === undefined || position < 0) {
      this.stop();
      this.report({ failure: 'conflict' });
      return;
    }
    this.lie = home.lie();
    const sum = held.sum.slice();
    const layout = { members: members.length, length: sum.length, segmentValues };
    const exchange = createRingExchange({ identity, layout, position, sum, weight, checksum: crc32 });
    home.later(deadlineMs * patience, () => {
      if (!this.isOver) this.report({ failure: 'unavailable' });
    });
    relayed.listener = (batch) => {
      for (const message of splitBatch(batch)) this.receive(exchange, message);
      this.pump(exchange, sum);
    };
    this.pump(exchange, sum);
  }

  private receive(exchange: RingExchange, message: Uint8Array): void {
    if (this.isOver) return;
    try {
      exchange.receive(message);
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      if (harmless.has(error.code)) this.refused += 1;
      else this.fail(error.code);
    }
  }

  private pump(exchange: RingExchange, sum: Float64Array): void {
    if (this.isOver) return;
    const { members } = this.plan;
    const queue: Uint8Array[] = [];
    for (let message = exchange.next(); message !== undefined; message = exchange.next()) {
      const { step } = decodeRingMessage(message, crc32);
      if (this.lie?.diesBefore?.(step, members.length) === true) {
        this.home.die();
        return;
      }
      queue.push(this.lie?.send?.(message, members.length) ?? message);
    }
    while (queue.length > 0) this.relay(takeBatch(queue), exchange, sum);
    this.finishWhenDone(exchange, sum);
  }

  private finishWhenDone(exchange: RingExchange, sum: Float64Array): void {
    if (!exchange.isDone || this.underWay > 0 || this.isOver) return;
    const { home, plan, lie } = this;
    this.stop();
    const whole = sumOf(plan.identity, sum);
    const tell = (): void => {
      this.keep(whole);
      if (lie?.fail !== undefined) this.report({ failure: lie.fail });
      else this.report({ hash: lie?.report?.(whole.hash) ?? whole.hash });
    };
    if (lie?.delayMs === undefined) tell();
    else home.later(lie.delayMs, tell);
  }

  private relay(batch: Uint8Array, exchange: RingExchange, sum: Float64Array): void {
    const { home, plan, jobId, lie } = this;
    const { identity, members } = plan;
    const ids = members.map(({ workerId }) => workerId);
    const to = ids[(ids.indexOf(home.workerId) + 1) % ids.length];
    this.underWay += 1;
    const answered = (isTaken: boolean): void =>
      home.later(1, () => {
        this.underWay -= 1;
        if (isTaken) this.finishWhenDone(exchange, sum);
        else this.fail('unavailable');
      });
    const send = (): void =>
      home.lane(() => answered(home.coordinator.relayRing(home.workerId, to, { jobId, identity, batch })));
    if (lie?.delayMs === undefined) send();
    else home.later(lie.delayMs, send);
  }

  private fail(code: ErrorCode): void {
    if (this.isOver) return;
    this.stop();
    this.report({ failure: code });
  }

  private report(outcome: { readonly hash?: string; readonly failure?: ErrorCode }): void {
    const { home, plan, jobId, refused } = this;
    const { identity } = plan;
    const { workerId, world } = home;
    const figures = { bytesPerSecond: world.between(1e4, 1e6), refused };
    const event = {
      kind: 'ringReported' as const,
      workerId,
      jobId,
      identity,
      hash: '',
      ...figures,
      ...outcome,
    };
    home.ask(event, reportMs, () => {});
  }
}

function sumOf(identity: RingIdentity, sum: Float64Array): Sum {
  const packed = packSums(sum);
  return { identity, packed, hash: createHash('sha256').update(packed).digest('hex') };
}

export function isSameRing(left: RingIdentity, right: RingIdentity): boolean {
  const { epoch, round, ringId, ringEpoch } = right;
  return (
    left.epoch === epoch && left.round === round && left.ringId === ringId && left.ringEpoch === ringEpoch
  );
}
