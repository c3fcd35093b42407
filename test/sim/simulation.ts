import { applyCommand } from '../../server/core/apply-command.ts';
import type { Command, JobSubmitted } from '../../server/core/commands.ts';
import type { step } from '../../server/core/coordinator.ts';
import { isFinal } from '../../server/core/job-record.ts';
import { createReplicatedState } from '../../server/core/replicated-state.ts';
import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import { asBlobHash, type JobId } from '../../shared/base/ids.ts';
import { mixSeed } from '../../shared/base/random.ts';
import type { PlanChange, RoundPlan } from '../../shared/sync/round-plan.ts';
import { checkAgainstLog, checkDisk, checkMajority, checkRest } from './checkers.ts';
import { Faults } from './faults.ts';
import { registration, uploads } from './jobs.ts';
import { healthyNetwork, SimNetwork } from './network.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import { SimLog } from './sim-log.ts';
import { SimPeers } from './sim-peers.ts';
import { SimWorker, type WorkerNature } from './sim-worker.ts';
import type { Fault } from './worker-faults.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly jobs: readonly JobSubmitted[];
  readonly workers: readonly WorkerNature[];
  /** How many coordinators there are. */
  readonly size: number;
  /** Whether those that do not lead serve workers as well. */
  readonly hasEdge?: boolean;
  /** The core, when it is a copy with a bug in it. */
  readonly step?: typeof step;
  /** Whether anything goes wrong; then it does for a while, and heals. */
  readonly isTroubled: boolean;
  /** What goes wrong; everything when absent. */
  readonly fault?: Fault;
  /** What changes for good, and when. */
  readonly changes?: readonly { readonly atMs: number; readonly begin: Fault }[];
  /** Plans that an admin gives the jobs meanwhile, one after the other. */
  readonly plans?: readonly RoundPlan[];
}

const faultMs = 8_000;
const planMs = 1_500;

const troubleMs = 40_000;
const finishMs = 900_000;
const settleMs = 120_000;
const adminMs = 1_000;
const hashOfNothing = asBlobHash('0'.repeat(64));

/** Version, hash of the parameters, and figures of each version of a job, as they are in the log. */
export type Story = readonly string[];

export class Simulation {
  readonly coordinators: readonly [SimCoordinator, ...SimCoordinator[]];
  private readonly world: World;
  private readonly log: SimLog;
  private readonly network: SimNetwork;
  private readonly peers: SimPeers;
  private readonly workers: readonly SimWorker[];
  private isTroubled: boolean;

  private readonly options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.options = options;

    const world = new World(options.seed);
    const log = new SimLog(world);
    const peers = new SimPeers(world);
    this.world = world;
    this.log = log;
    this.peers = peers;
    const ids = Array.from({ length: options.size }, (_, index) => `c${index}`);
    const configuration = {
      voters: ids,
      outgoing: [],
      learners: [],
      learnersNext: [],
      addresses: Object.fromEntries(ids.map((id) => [id, id])),
    };
    const edges = options.hasEdge === true ? { edges: new Map() } : {};
    const core = options.step === undefined ? {} : { step: options.step };
    const create = (id: string) =>
      new SimCoordinator({ world, id, log, peers, configuration: () => configuration, ...edges, ...core });
    const [first = 'c0', ...others] = ids;
    this.coordinators = [create(first), ...others.map(create)];
    const memberOf = (id: string) => this.coordinators.find((one) => one.id === id)?.member;
    peers.areConnected = (from, to) => {
      const [one, other] = [memberOf(from), memberOf(to)];
      return one !== undefined && other !== undefined && log.areConnected(one, other);
    };
    peers.delayMs = () => world.between(0.5, 8);
    log.onCommit = (command) => checkMajority(this.coordinators, command);
    this.network = new SimNetwork(world);
    this.workers = options.workers.map(
      (nature, index) => new SimWorker(world, this.network, this.coordinators, `worker${index}`, nature),
    );
    if (options.hasEdge === true) for (const [index, worker] of this.workers.entries()) worker.turnTo(index);
    this.isTroubled = options.isTroubled;
  }

  /** Runs to the end of every job. Returns what the log says of each. */
  run(): readonly Story[] {
    const { world } = this;
    for (const coordinator of this.coordinators) coordinator.start();
    this.request(registration, () => {
      for (const job of this.options.jobs) this.request(job, () => {});
    });
    for (const worker of this.workers) worker.join();
    this.watchJobs();
    for (const { atMs, begin } of this.options.changes ?? []) {
      const { network, log, coordinators, workers } = this;
      world.schedule(atMs, () => begin({ world, network, log, coordinators, workers }));
    }
    if (this.isTroubled) this.makeTrouble();
    const isFinished = world.runUntil(() => this.areJobsFinished(), finishMs);
    assert(isFinished, `every job finishes after the trouble is over: ${this.describe()}`);
    this.settle();
    return this.options.jobs.map(({ jobId }) => this.story(jobId));
  }

  /** Who runs the rounds of a job by what, as the log has it. */
  planChanges(jobId: JobId): readonly PlanChange[] {
    const { log } = this;
    const state = createReplicatedState();
    for (let index = 1; index <= log.entries.length; index++) applyCommand(state, index, log.read(index));
    return state.jobs.get(jobId)?.planChanges ?? [];
  }

  refusals(): ReadonlySet<ErrorCode> {
    return new Set(this.coordinators.flatMap(({ refusals }) => [...refusals.keys()]));
  }

  count(what: keyof SimCoordinator['counts']): number {
    return this.coordinators.reduce((sum, { counts }) => sum + counts[what], 0);
  }

  /** Hash of the whole history. */
  get trace(): number {
    return mixSeed(...this.coordinators.map(({ trace }) => trace));
  }

  /**
   * A new epoch decides what the earlier ones left open; then every coordinator has the same, and nothing else. Once more
   * when all have started anew, and so have looked at their disks.
   */
  private settle(): void {
    this.beginEpoch('before the end');
    for (const coordinator of this.coordinators) {
      checkDisk(coordinator, coordinator.blobs.destroyed);
      checkRest(coordinator);
    }
    for (const coordinator of this.coordinators) {
      coordinator.crash();
      coordinator.start();
    }
    this.beginEpoch('the end');
    for (const coordinator of this.coordinators) {
      checkAgainstLog(coordinator, this.log);
      checkDisk(coordinator, new Set());
    }
  }

  private beginEpoch(tokenId: string): void {
    const { world, log, coordinators } = this;
    const isLive = (): boolean => coordinators.every(({ isAlive, state }) => isAlive && state.isLive);
    assert(world.runUntil(isLive, settleMs), 'everybody catches up');
    const next = coordinators[world.random.below(coordinators.length)];
    if (next !== undefined) log.elect(next.member);
    let isTold = false;
    const token = { tokenId, name: 't', role: 'admin', tokenHash: hashOfNothing, atMs: 0 } as const;
    this.request({ kind: 'tokenCreated', ...token }, () => {
      isTold = true;
    });
    const isSettled = (): boolean =>
      isTold &&
      coordinators.every(
        ({ member, missing, state }) =>
          member.deliveredIndex === log.entries.length && missing === 0 && state.released.size === 0,
      );
    assert(world.runUntil(isSettled, settleMs), `everybody gets to the same state: ${this.describe()}`);
  }

  private get leader(): SimCoordinator | undefined {
    return this.coordinators.find(({ leads }) => leads);
  }

  private areJobsFinished(): boolean {
    const { leader } = this;
    if (this.isTroubled || leader === undefined) return false;
    const { jobs } = leader.state.replicated;
    return this.options.jobs.every(({ jobId }) => jobs.get(jobId)?.state === 'finished');
  }

  private describe(): string {
    return this.coordinators
      .map(({ id, isAlive, leads, state, missing, member }) => {
        const jobs = [...state.replicated.jobs.values()].map(
          ({ jobId, state: is, stateReason, version }) => `${jobId} is ${is} at ${version} (${stateReason})`,
        );
        const place = `${member.deliveredIndex} of ${this.log.entries.length}`;
        const disk = `${missing} missing, ${state.released.size} to remove`;
        return `${id} ${isAlive ? 'up' : 'down'}${leads ? ', leads' : ''}, ${place}, ${disk}: ${jobs.join(', ')}`;
      })
      .join('; ');
  }

  private story(jobId: JobId): Story {
    const { log } = this;
    const lines: string[] = [];
    for (let index = 1; index <= log.entries.length; index++) {
      const command = log.read(index);
      if (!('jobId' in command) || command.jobId !== jobId) continue;
      if (command.kind === 'roundCommitted') {
        lines.push(`${command.round + 1} ${command.parametersHash} ${command.trainingLoss}`);
      } else if (command.kind === 'evaluationCommitted') {
        lines.push(`${command.version} evaluated ${command.loss} ${command.accuracy}`);
      }
    }
    return [...new Set(lines)];
  }

  /** An admin's wish, repeated until it is granted or pointless. */
  private request(command: Command, done: () => void): void {
    const again = (): void => this.world.schedule(adminMs, () => this.request(command, done));
    const { leader } = this;
    if (leader === undefined) {
      again();
      return;
    }
    for (const bytes of uploads) leader.keep(bytes);
    leader.call(
      (call) => ({ kind: 'commandRequested', call, command }),
      (answer) => {
        const isOver =
          answer?.kind === 'answerCommitted' || (answer?.kind === 'refuse' && answer.code === 'conflict');
        if (isOver) done();
        else again();
      },
    );
  }

  /** Resumes what was paused, by whom or whatever. */
  private watchJobs(): void {
    this.world.schedule(adminMs, () => {
      for (const job of this.leader?.state.replicated.jobs.values() ?? []) {
        assert(
          !isFinal(job.state) || job.state === 'finished',
          `${job.jobId} does not fail: ${job.stateReason}`,
        );
        if (job.state === 'paused') this.changeState(job.jobId, 'running');
      }
      this.watchJobs();
    });
  }

  private changeState(jobId: JobId, state: 'running' | 'paused'): void {
    const command = { kind: 'jobStateChanged', jobId, state, reason: 'by the admin', atMs: 0 } as const;
    this.leader?.call(
      (call) => ({ kind: 'commandRequested', call, command }),
      () => {},
    );
  }

  /** One fault, a change of leaders where there are others, and an admin who changes the plan. */
  private makeFault(fault: Fault): void {
    const { world, network, coordinators, workers, log } = this;
    const end = fault({ world, network, log, coordinators, workers });
    this.changePlans(0);
    if (coordinators.length > 1) {
      world.schedule(world.between(1_000, faultMs), () => {
        const next = coordinators.find(({ member }) => member.mayLead && member !== log.leader);
        if (next !== undefined && log.hasQuorum(next.member)) log.elect(next.member);
      });
    }
    world.schedule(faultMs, () => {
      this.isTroubled = false;
      end();
      for (const worker of workers) worker.join();
    });
  }

  private changePlans(count: number): void {
    const { plans = [], jobs } = this.options;
    const plan = plans[count % plans.length];
    if (plan === undefined || !this.isTroubled) return;
    this.world.schedule(planMs, () => {
      for (const { jobId } of jobs) {
        const command = {
          kind: 'strategyChanged',
          jobId,
          plan,
          by: 'admin',
          reason: 'to see',
          atMs: 0,
        } as const;
        this.leader?.call(
          (call) => ({ kind: 'commandRequested', call, command }),
          () => {},
        );
      }
      this.changePlans(count + 1);
    });
  }

  private makeTrouble(): void {
    if (this.options.fault !== undefined) {
      this.makeFault(this.options.fault);
      return;
    }
    const { world, network, peers, log, coordinators, workers } = this;
    const pauseOne = (): void => {
      const job = this.options.jobs[world.random.below(this.options.jobs.length)];
      if (job !== undefined) this.changeState(job.jobId, 'paused');
    };
    const faults = new Faults({ world, network, peers, log, coordinators, workers, pauseOne });
    faults.begin();
    world.schedule(troubleMs, () => {
      this.isTroubled = false;
      faults.heal();
      network.faults = { ...healthyNetwork };
    });
  }
}
