import type { LeaseGrant } from '../../server/core/effect-values.ts';
import type { EvaluationReported, Event } from '../../server/core/events.ts';
import { asWorkerId, type WorkerId } from '../../shared/base/ids.ts';
import { type Lie, lies } from './lies.ts';
import type { SimNetwork } from './network.ts';
import { type RingLie, someRingLie } from './ring-lies.ts';
import type { Answer, SimCoordinator } from './sim-coordinator.ts';
import {
  announcementOf,
  type Contribution,
  codecs,
  contributionOf,
  determinismClass,
  evaluationOf,
  type Published,
} from './sim-results.ts';
import { SimRingDesk } from './sim-ring.ts';
import type { World } from './world.ts';

export interface WorkerNature {
  /** Time of a typical unit. */
  readonly unitMs: number;
  /** Time of one local step, in place of `unitMs`. */
  readonly stepMs?: number;
  /** Probability that a contribution is a lie. */
  readonly lieProbability: number;
  /** Probability that the worker vanishes during a unit, and returns later. */
  readonly vanishProbability: number;
  /** Time that a contribution takes to leave; 0 when absent. */
  readonly sendMs?: number;
  /** What it sends takes that long, and it tells so. */
  readonly uplinkBytesPerSecond?: number;
  /** Probability that the worker vanishes while it sends. */
  readonly vanishSendingProbability?: number;
  /** Probability that it takes back what it asked for or is sending. */
  readonly cancelProbability?: number;
  /** Probability that it sends an earlier contribution again. */
  readonly replayProbability?: number;
  /** Whether it takes part in rings. */
  readonly isRingMember?: boolean;
  /** Probability that it does one of `ringLies` instead of its part in a ring. */
  readonly ringLieProbability?: number;
  /** Which; any of them when absent. */
  readonly ringLie?: RingLie;
}

const heartbeatMs = 2_000;
const unitsAhead = 2;
const replayedMax = 8;

/** A worker session as the product's: registers, asks ahead, computes one unit after another. */
export class SimWorker {
  private workerId: WorkerId;
  /** Grows with every session and when the worker vanishes: what a former life began ends in nothing. */
  private life = 0;
  private isPresent = false;
  private isComputing = false;
  private polls = 0;
  private readonly queue: LeaseGrant[] = [];
  private lastSent: Contribution | undefined;
  /** Of this session, where it takes part in rings. */
  private rings: SimRingDesk | undefined;
  /** The newest that it sent, for replays. */
  private readonly sent: Contribution[] = [];

  private readonly world: World;
  private readonly network: SimNetwork;
  private readonly coordinators: readonly SimCoordinator[];
  /** The one that it speaks with. */
  private coordinator: SimCoordinator;
  readonly name: string;
  nature: WorkerNature;

  constructor(
    world: World,
    network: SimNetwork,
    coordinators: readonly [SimCoordinator, ...SimCoordinator[]],
    name: string,
    nature: WorkerNature,
  ) {
    this.world = world;
    this.network = network;
    this.coordinators = coordinators;
    this.coordinator = coordinators[0];
    this.name = name;
    this.nature = nature;

    this.workerId = asWorkerId(`${name}-0`);
  }

  /** Before it joins. */
  turnTo(index: number): void {
    this.coordinator = this.coordinators[index % this.coordinators.length] ?? this.coordinator;
  }

  join(): void {
    if (this.isPresent) return;
    this.isPresent = true;
    this.register();
  }

  /** Closes the laptop: silently, or with a connection that is seen to close. */
  vanish(): void {
    if (!this.isPresent) return;
    this.isPresent = false;
    this.life += 1;
    this.forget();
    if (this.world.chance(0.5))
      this.network.tell(this.coordinator, { kind: 'workerLeft', workerId: this.workerId });
    if (this.world.chance(0.5)) this.workerId = asWorkerId(`${this.name}-${this.life}`);
  }

  private forget(): void {
    this.queue.length = 0;
    this.isComputing = false;
    this.polls = 0;
    this.rings = undefined;
  }

  private beat(life: number): void {
    if (life !== this.life) return;
    this.network.tell(this.coordinator, { kind: 'heartbeat', workerId: this.workerId, samplesPerSecond: 1 });
    this.world.schedule(heartbeatMs, () => this.beat(life));
  }

  /** Schedules `run` unless the worker vanishes before. */
  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.world.schedule(delayMs, () => {
      if (life === this.life) run();
    });
  }

  private ask(
    event: Parameters<SimNetwork['call']>[1],
    timeoutMs: number,
    hear: (answer: Answer | undefined) => void,
  ): void {
    const { life } = this;
    this.network.call(this.coordinator, event, timeoutMs, (answer) => {
      if (life === this.life) hear(answer);
    });
  }

  /** A new session: answers to what the former one asked are not heard. */
  private register(): void {
    this.life += 1;
    this.forget();
    this.beat(this.life);
    const { workerId, name } = this;
    const home = 'node' as const;
    const role = 'worker' as const;
    this.ask(
      (call) => ({
        kind: 'workerRegistered',
        call,
        workerId,
        name,
        home,
        role,
        determinismClass,
        device: 'sim',
        ...(this.nature.isRingMember === true ? { ringChannels: ['relay'] } : {}),
      }),
      1_000,
      (answer) => {
        if (answer?.kind === 'answerRegistered') this.begin();
        else this.goElsewhere(this.world.between(200, 1_000), () => this.register());
      },
    );
  }

  private begin(): void {
    if (this.nature.isRingMember === true) this.openRings();
    this.pollAhead();
  }

  private openRings(): void {
    const { world, network, coordinator, workerId, life } = this;
    const desk = new SimRingDesk({
      world,
      coordinator,
      workerId,
      lane: network.lane(),
      lie: () => this.ringLie(),
      later: (delayMs, run) => this.later(delayMs, run),
      ask: (event, timeoutMs, hear) => this.ask((call) => ({ ...event, call }) as Event, timeoutMs, hear),
      die: () => this.vanish(),
    });
    this.rings = desk;
    const lane = network.lane();
    coordinator.watchRings(workerId, (letter) =>
      lane(() => {
        if (life === this.life) desk.take(letter);
      }),
    );
  }

  private ringLie(): RingLie | undefined {
    const { ringLieProbability = 0, ringLie } = this.nature;
    if (!this.world.chance(ringLieProbability)) return undefined;
    return ringLie ?? someRingLie(this.world.random);
  }

  /** The coordinator does not lead, or is gone: another one may. */
  private goElsewhere(delayMs: number, then: () => void): void {
    const { coordinators, world } = this;
    this.coordinator = coordinators[world.random.below(coordinators.length)] ?? this.coordinator;
    this.later(delayMs, then);
  }

  private pollAhead(): void {
    while (this.queue.length + this.polls < unitsAhead) this.poll();
  }

  private poll(): void {
    this.polls += 1;
    const { workerId } = this;
    this.ask(
      (call) => ({ kind: 'leaseRequested', call, workerId, pollMs: 5_000 }),
      7_000,
      (answer) => {
        this.polls -= 1;
        if (answer?.kind === 'answerLease') this.queueLease(answer.lease);
        else this.recover(answer);
      },
    );
  }

  private queueLease(lease: LeaseGrant | undefined): void {
    if (lease !== undefined) this.queue.push(lease);
    this.later(lease === undefined ? 20 : 0, () => this.pollAhead());
    this.compute();
  }

  /** After a refusal or a silence: register again where the coordinator asks for it, else just go on. */
  private recover(answer: Answer | undefined): void {
    const code = answer?.kind === 'refuse' ? answer.code : undefined;
    if (code === 'notLeader') {
      this.goElsewhere(this.world.between(50, 500), () => this.register());
      return;
    }
    const mustRegister = code === 'notRegistered' || code === 'unavailable' || answer === undefined;
    if (mustRegister) this.later(this.world.between(50, 500), () => this.register());
    else this.later(code === 'quarantined' ? 5_000 : this.world.between(20, 200), () => this.pollAhead());
  }

  private compute(): void {
    if (this.isComputing) return;
    const lease = this.queue.shift();
    if (lease === undefined) return;
    const parameters = this.coordinator.published(lease.jobId);
    const isAsked =
      parameters?.version === lease.version && parameters.parametersHash === lease.parametersHash;
    const isNewer = lease.mayUseNewer && parameters !== undefined && parameters.version > lease.version;
    if (parameters === undefined || !(isAsked || isNewer) || this.mayCancel()) {
      const { workerId } = this;
      this.network.tell(this.coordinator, { kind: 'leasesReleased', workerId, leaseIds: [lease.leaseId] });
      this.later(10, () => this.pollAhead());
      this.compute();
      return;
    }
    this.isComputing = true;
    if (this.world.chance(this.nature.vanishProbability))
      this.later(this.world.between(1, 500), () => this.vanish());
    const computeMs = this.typicalMs(lease) * this.world.between(0.7, 1.6);
    this.later(computeMs, () => {
      this.isComputing = false;
      this.send(lease, parameters, computeMs);
      this.pollAhead();
      this.compute();
    });
  }

  private typicalMs({ jobId, sampleCount }: LeaseGrant): number {
    const { unitMs, stepMs } = this.nature;
    const batchSize = this.coordinator.state.replicated.jobs.get(jobId)?.document.batchSize ?? 1;
    return stepMs === undefined ? unitMs : (stepMs * sampleCount) / batchSize;
  }

  private mayCancel(): boolean {
    return this.world.chance(this.nature.cancelProbability ?? 0);
  }

  private send(lease: LeaseGrant, parameters: Published, computeMs: number): void {
    const { workerId, coordinator } = this;
    const { uplinkBytesPerSecond } = this.nature;
    const result = { workerId, coordinator, lease, parameters, computeMs, uplinkBytesPerSecond };
    if (lease.kind === 'evaluate') this.sendEvaluation(evaluationOf(result));
    else this.sendContribution(lease, contributionOf(result));
  }

  private sendContribution(lease: LeaseGrant, whole: Contribution): void {
    const { world, rings } = this;
    const isKept = lease.ringId !== undefined && rings !== undefined;
    const honest = isKept ? this.announce(announcementOf(whole, lease)) : whole;
    const lie: Lie | undefined = world.chance(this.nature.lieProbability)
      ? lies[world.random.below(lies.length)]
      : undefined;
    const earlier = isKept ? undefined : this.lastSent;
    const contribution = lie === undefined ? honest : lie(honest, earlier, world.random);
    if (!isKept) this.lastSent = honest;
    const settle = isKept ? this.keep(rings, lease, whole) : () => {};
    const { uplinkBytesPerSecond = Number.POSITIVE_INFINITY } = this.nature;
    const sendMs = (this.nature.sendMs ?? 0) + (1_000 * contribution.payload.length) / uplinkBytesPerSecond;
    if (sendMs === 0) this.deliver(contribution, settle);
    else this.later(sendMs * world.between(0.5, 1.5), () => this.deliver(contribution, settle));
    if (lie !== undefined && world.chance(0.3)) this.replay(contribution);
  }

  private announce(honest: Contribution): Contribution {
    return this.ringLie()?.announce?.(honest) ?? honest;
  }

  private keep(rings: SimRingDesk, lease: LeaseGrant, whole: Contribution): (isCounted: boolean) => void {
    const { jobId, epoch, unit, seed, ringId = 0 } = lease;
    return rings.announce({ jobId, epoch, ringId, unit, length: whole.length }, (sum) =>
      codecs(whole.codec).decodeAndAccumulate(whole.payload, seed, sum, 1),
    );
  }

  private deliver(contribution: Contribution, settle: (isCounted: boolean) => void): void {
    const { world, nature } = this;
    this.ask(
      (call) => ({ ...contribution, call }),
      this.mayCancel() ? world.between(1, 40) : 3_000,
      (answer) => {
        settle(answer?.kind === 'answerAccepted');
        this.onResult(answer);
      },
    );
    if (world.chance(nature.vanishSendingProbability ?? 0))
      this.later(world.between(0, 20), () => this.vanish());
    this.sent.push(contribution);
    if (this.sent.length > replayedMax) this.sent.shift();
    if (!world.chance(nature.replayProbability ?? 0)) return;
    const earlier = this.sent[world.random.below(this.sent.length)];
    if (earlier !== undefined) this.replay(earlier);
  }

  private replay(contribution: Contribution): void {
    this.network.replay(this.coordinator, (call) => ({ ...contribution, call }));
  }

  private sendEvaluation(report: Omit<EvaluationReported, 'call'>): void {
    const isLie = this.world.chance(this.nature.lieProbability);
    const sent = isLie ? { ...report, lossSum: Number.NaN } : report;
    this.ask(
      (call) => ({ ...sent, call }),
      3_000,
      (answer) => this.onResult(answer),
    );
  }

  private onResult(answer: Answer | undefined): void {
    if (answer?.kind === 'answerAccepted') this.pollAhead();
    else this.recover(answer);
  }
}
