import type { CoordinatorId } from '../../server/core/effect-values.ts';
import type { CallRef, Event } from '../../server/core/events.ts';
import type { SumRequest } from '../../server/runtime/edge/relay-messages.ts';
import type { PartialSum, ReduceOutcome } from '../../server/runtime/ports.ts';
import type { JobTrainer } from '../../server/runtime/trainer/job-trainer.ts';
import { type ErrorCode, GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Answer } from './sim-coordinator.ts';
import type { EdgeFaults, Order, Payload, RelayedNotice, SimEdgeOptions, WorkerCall } from './sim-edge.ts';
import type { SimRelay } from './sim-relay.ts';

interface Pending {
  readonly hear: (answer: Answer) => void;
  payload: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/**
 * Hands on what its workers ask, keeps their payloads, and sums them in the product's trainer when it is told: the rules of
 * `relay-client.ts` and `edge-sums.ts` in `server/runtime/edge`.
 */
export class SimEdgeFollower {
  faults: EdgeFaults = {};
  private relay: SimRelay | undefined;
  private readonly pending = new Map<CallRef, Pending>();
  private readonly summed = new Map<string, { readonly key: string; readonly units: Set<number> }>();

  private readonly options: SimEdgeOptions;

  constructor(options: SimEdgeOptions) {
    this.options = options;
  }

  get id(): CoordinatorId {
    return this.options.id;
  }

  get isAlive(): boolean {
    return this.options.isAlive();
  }

  get isOpen(): boolean {
    return this.relay !== undefined && this.options.state().epoch === undefined;
  }

  /** Looks for the leader, as long as it lives. */
  seek(later: (delayMs: number, run: () => void) => void): void {
    later(limits.relayRetryMs, () => {
      const { options, relay } = this;
      const leader = options.state().epoch === undefined ? options.leader() : undefined;
      if (relay !== undefined && relay.leader.id !== leader) relay.cut();
      const other = leader === undefined || leader === this.id ? undefined : options.edges.get(leader);
      if (this.relay === undefined && other !== undefined && options.areConnected(this.id, other.leader.id))
        this.relay = other.leader.open(this);
      this.seek(later);
    });
  }

  /** A call of a worker; `call` is this coordinator's number. */
  ask(call: CallRef, event: WorkerCall, hear: (answer: Answer) => void): void {
    const { relay } = this;
    if (relay === undefined) return;
    const isKept = event.kind === 'contributionReceived';
    this.pending.set(call, { hear, payload: isKept ? event.payload : undefined });
    const sent = isKept
      ? { ...event, payload: nothing, heldAt: { coordinator: this.id, bytes: event.payload.byteLength } }
      : event;
    relay.toLeader(() => relay.leader.receiveCall(relay, call, sent));
  }

  /** Whether the call was a worker's. */
  abandon(call: CallRef): boolean {
    if (!this.pending.has(call)) return false;
    this.tell({ kind: 'callAbandoned', call });
    return true;
  }

  tell(notice: RelayedNotice | Extract<Event, { kind: 'contributionReduced' }>): void {
    const { relay } = this;
    relay?.toLeader(() => relay.leader.receiveNotice(relay, notice));
  }

  ended(relay: SimRelay): void {
    if (this.relay !== relay) return;
    this.relay = undefined;
    const callers = [...this.pending];
    this.pending.clear();
    const message = 'the leader has changed, or cannot be reached; try again';
    for (const [call, { hear }] of callers) hear({ kind: 'refuse', call, code: 'unavailable', message });
  }

  hearAnswer(relay: SimRelay, call: CallRef, answer: Answer): void {
    if (this.relay !== relay) return;
    const waiting = this.pending.get(call);
    this.pending.delete(call);
    if (waiting !== undefined) this.whenThere(answer, () => waiting.hear({ ...answer, call }));
  }

  reduce(relay: SimRelay, call: CallRef, serial: number, order: Order): void {
    if (this.relay !== relay) return;
    const { jobId, round, unit, leaseId } = order;
    const waiting = this.pending.get(call);
    const payload = waiting?.payload;
    const tell = (outcome: ReduceOutcome): void => {
      if (this.relay === relay)
        this.tell({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
    };
    if (waiting === undefined || payload === undefined) {
      tell({ accepted: false, code: 'unavailable', message: 'The payload is gone.' });
      return;
    }
    waiting.payload = undefined;
    const key = keyOf(relay, serial);
    const held = this.summed.get(jobId);
    if (held?.key !== key) this.summed.set(jobId, { key, units: new Set() });
    this.sumUp(key, { ...order, payload }, (outcome) => {
      const sum = this.summed.get(jobId);
      if (sum?.key !== key) tell({ accepted: false, code: 'wrongRound', message: 'opened anew' });
      else {
        if (outcome.accepted) sum.units.add(unit);
        tell(outcome);
      }
    });
  }

  private sumUp(
    key: string,
    { jobId, ...order }: Order & Payload,
    done: (outcome: ReduceOutcome) => void,
  ): void {
    const trainer = this.options.trainer();
    const failed = (code: ErrorCode): ReduceOutcome => ({ accepted: false, code, message: 'not here' });
    trainer?.ask(
      jobId,
      (job) =>
        trainer.fails ? failed('unavailable') : (job?.reduceAtEdge(key, order) ?? failed('unavailable')),
      done,
    );
  }

  collect(relay: SimRelay, request: SumRequest, done: (sum: PartialSum | GradswarmError) => void): void {
    const { jobId, serial, units, weight } = request;
    const key = keyOf(relay, serial);
    const sum = this.summed.get(jobId);
    const isSame =
      this.relay === relay &&
      sum?.key === key &&
      sum.units.size === units.length &&
      units.every((unit) => sum.units.has(unit));
    const other = new GradswarmError('conflict', 'other units are summed');
    if (!isSame) done(other);
    else this.options.trainer()?.ask(jobId, (job) => sumOf(job, key, weight) ?? other, done);
  }

  /** A lease is handed on when what its unit is computed from is here, or after a while. */
  private whenThere(answer: Answer, hear: () => void, waitedMs = 0): void {
    const lease = answer.kind === 'answerLease' ? answer.lease : undefined;
    const version = lease && this.options.state().replicas.get(lease.jobId)?.version;
    const isThere = lease === undefined || (version ?? -1) >= lease.version;
    if (isThere || waitedMs >= limits.parameterWaitMs) hear();
    else {
      const { world } = this.options;
      world.schedule(limits.edgePollMs, () => this.whenThere(answer, hear, waitedMs + limits.edgePollMs));
    }
  }

  /** What no reader can take for a sum. */
  harm(sum: PartialSum): PartialSum {
    const { world } = this.options;
    if (!world.chance(this.faults.damagedProbability ?? 0)) return sum;
    const { bytes } = sum;
    const harmed = [
      bytes.subarray(0, -1),
      new Uint8Array([...bytes, 1]),
      nothing,
      bytes.map((byte, index) => (index === 1 ? byte | 0x80 : byte)),
      bytes.map((byte, index) => (index === 0 ? 255 : byte)),
    ][world.random.below(5)];
    return { ...sum, bytes: harmed ?? nothing };
  }

  crash(): void {
    const { relay } = this;
    this.relay = undefined;
    this.pending.clear();
    this.summed.clear();
    relay?.cut();
  }
}

function keyOf({ epoch, session }: SimRelay, serial: number): string {
  return `${epoch}/${session}/${serial}`;
}

function sumOf(
  job: JobTrainer | undefined,
  key: string,
  weight: number,
): PartialSum | GradswarmError | undefined {
  try {
    return job?.edgeSum(key, weight);
  } catch (error) {
    if (error instanceof GradswarmError) return error;
    throw error;
  }
}
