import type { CoordinatorId, EdgeShare, StoreRound } from '../../server/core/effect-values.ts';
import type { CallRef, Effect, Event, RefusedSum } from '../../server/core/events.ts';
import type { PartialSum, ReduceOutcome } from '../../server/runtime/ports.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { SimEdgeOptions, WorkerCall } from './sim-edge.ts';
import type { SimEdgeFollower } from './sim-edge-follower.ts';
import { SimRelay } from './sim-relay.ts';

const collectTimeoutMs = 4_000;

/** Takes in the workers of followers, and collects their sums: the rules of `relay-host.ts` and `collect-sums.ts`. */
export class SimEdgeLeader {
  readonly counts = { relays: 0, sums: 0, refusedSums: 0, missingSums: 0 };
  private readonly sessions = new Map<CoordinatorId, SimRelay>();
  private readonly contributions = new Map<CallRef, { readonly relay: SimRelay; readonly call: CallRef }>();
  private opened = 0;

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

  open(follower: SimEdgeFollower): SimRelay | undefined {
    const { epoch } = this.options.state();
    if (!this.isAlive || epoch === undefined) return undefined;
    const former = this.sessions.get(follower.id);
    if (former !== undefined) this.sessionEnded(former);
    this.opened += 1;
    this.counts.relays += 1;
    const { world, areConnected } = this.options;
    const relay = new SimRelay({ world, areConnected, leader: this, follower, epoch, session: this.opened });
    this.sessions.set(follower.id, relay);
    return relay;
  }

  sessionEnded(relay: SimRelay): void {
    if (this.sessions.get(relay.follower.id) !== relay) return;
    this.sessions.delete(relay.follower.id);
    relay.cut();
    this.options.post({ kind: 'coordinatorLost', coordinator: relay.follower.id });
  }

  /** Whoever does not lead any more has no relays. */
  followEpoch(): void {
    const { epoch } = this.options.state();
    for (const relay of [...this.sessions.values()]) if (relay.epoch !== epoch) this.sessionEnded(relay);
  }

  receiveCall(relay: SimRelay, from: CallRef, event: WorkerCall): void {
    if (!this.isCurrent(relay)) return;
    const made = (call: CallRef): Event => {
      relay.calls.set(from, call);
      if (event.kind === 'contributionReceived') this.contributions.set(call, { relay, call: from });
      return event.kind === 'workerRegistered'
        ? { ...event, call, via: relay.follower.id }
        : { ...event, call };
    };
    this.options.call(made, (answer) => {
      const call = relay.calls.get(from);
      relay.calls.delete(from);
      if (call !== undefined) this.contributions.delete(call);
      if (answer !== undefined) relay.toFollower(() => relay.follower.hearAnswer(relay, from, answer));
    });
  }

  receiveNotice(relay: SimRelay, notice: Parameters<SimEdgeFollower['tell']>[0]): void {
    if (!this.isCurrent(relay)) return;
    const { post } = this.options;
    const via = relay.follower.id;
    switch (notice.kind) {
      case 'callAbandoned': {
        const call = relay.calls.get(notice.call);
        if (call !== undefined) post({ kind: 'callAbandoned', call });
        return;
      }
      case 'workerLeft':
      case 'heartbeat':
        post({ ...notice, via });
        return;
      default:
        post(notice);
    }
  }

  /** True when the effect is a follower's to carry out. */
  execute(effect: Effect): boolean {
    if (effect.kind === 'disconnect') return effect.via !== undefined;
    if (effect.kind !== 'reduce' || effect.edge === undefined) return false;
    const { edge, payload: _, kind: __, ...order } = effect;
    const asked = this.contributions.get(edge.call);
    if (asked === undefined || this.sessions.get(edge.coordinator) !== asked.relay) return true;
    const { relay, call } = asked;
    relay.toFollower(() => relay.follower.reduce(relay, call, edge.serial, order));
    return true;
  }

  /** What followers have summed comes first, as `collect-sums.ts` has it. */
  storeRound(effect: StoreRound): void {
    const { shares = [], serial = 0 } = effect.edge ?? {};
    const sums = new Map<CoordinatorId, PartialSum>();
    const missing = new Map<CoordinatorId, RefusedSum | undefined>();
    const isWanted = (): boolean => {
      const round = this.options.state().runs.get(effect.jobId)?.round;
      return this.isAlive && round?.phase === 'storing' && round.serial === serial;
    };
    const finish = (): void => {
      if (sums.size + missing.size < shares.length || !isWanted()) return;
      if (missing.size === 0) {
        this.counts.sums += sums.size;
        const partials = shares.flatMap(({ coordinator }) => sums.get(coordinator) ?? []);
        this.options.trainer()?.execute(effect, { partials, units: shares.flatMap(({ units }) => units) });
        return;
      }
      this.loseSums(effect, serial, missing);
    };
    for (const share of shares) {
      this.collectFrom(effect, serial, share, (sum) => {
        if (sums.has(share.coordinator) || missing.has(share.coordinator)) return;
        if (sum === undefined || 'code' in sum) missing.set(share.coordinator, sum);
        else sums.set(share.coordinator, sum);
        finish();
      });
    }
  }

  private loseSums(
    { jobId }: StoreRound,
    serial: number,
    missing: ReadonlyMap<CoordinatorId, RefusedSum | undefined>,
  ): void {
    const refused = [...missing.values()].filter((sum) => sum !== undefined);
    this.counts.missingSums += missing.size - refused.length;
    this.counts.refusedSums += refused.length;
    this.options.post({ kind: 'sumsMissing', jobId, serial, coordinators: [...missing.keys()], refused });
    for (const coordinator of missing.keys()) {
      const relay = this.sessions.get(coordinator);
      if (relay !== undefined) this.sessionEnded(relay);
    }
  }

  private collectFrom(
    effect: StoreRound,
    serial: number,
    { coordinator, units, weight }: EdgeShare,
    done: (sum: PartialSum | RefusedSum | undefined) => void,
  ): void {
    const { options } = this;
    const { world } = options;
    const relay = this.sessions.get(coordinator);
    world.schedule(relay === undefined ? 0 : collectTimeoutMs, () => done(undefined));
    if (relay === undefined) return;
    const { epoch, session, follower } = relay;
    const { faults } = follower;
    const request = { epoch, session, jobId: effect.jobId, serial, units, weight };
    const take = (sum: PartialSum | GradswarmError): void => {
      if (sum instanceof GradswarmError) done(undefined);
      else if (!world.chance(faults.lostProbability ?? 0))
        this.check(effect, coordinator, follower.harm(sum), done);
    };
    const ask = (): void =>
      relay.toFollower(() =>
        follower.collect(relay, request, (sum) => relay.toLeader(() => take(sum), faults.lateMs)),
      );
    ask();
    if (world.chance(faults.repeatedProbability ?? 0)) ask();
  }

  private check(
    effect: StoreRound,
    coordinator: CoordinatorId,
    sum: PartialSum,
    done: (sum: PartialSum | RefusedSum) => void,
  ): void {
    const { jobId } = effect;
    const normMax = this.options.state().replicated.jobs.get(jobId)?.document.updateNormMax ?? 0;
    const closed: ReduceOutcome = { accepted: false, code: 'jobNotRunning', message: 'closed' };
    this.options.trainer()?.ask(
      jobId,
      (job) => job?.checkSum(sum, normMax) ?? closed,
      (outcome) => done(outcome.accepted ? sum : { ...outcome, coordinator }),
    );
  }

  private isCurrent(relay: SimRelay): boolean {
    if (this.sessions.get(relay.follower.id) === relay && this.options.state().epoch === relay.epoch)
      return true;
    this.sessionEnded(relay);
    relay.cut();
    return false;
  }

  crash(): void {
    const relays = [...this.sessions.values()];
    this.sessions.clear();
    this.contributions.clear();
    for (const relay of relays) relay.cut();
  }
}
