import type { Command, JobSubmitted } from '../../server/core/commands.ts';
import { isFinal } from '../../server/core/job-record.ts';
import { assert } from '../../shared/base/assert.ts';
import type { ErrorCode } from '../../shared/base/errors.ts';
import type { JobId } from '../../shared/base/ids.ts';
import { checkAgainstLog, checkDisk, checkLeftovers } from './checkers.ts';
import { initialParameters, registration } from './jobs.ts';
import { healthyNetwork, SimNetwork } from './network.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import { SimWorker, type WorkerNature } from './sim-worker.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly jobs: readonly JobSubmitted[];
  readonly workers: readonly WorkerNature[];
  /** Whether anything goes wrong; then it does for a while, and heals. */
  readonly isTroubled: boolean;
}

const troubleMs = 40_000;
const finishMs = 900_000;
const adminMs = 1_000;

/** Version, hash of the parameters, and figures of each version of a job, as they are in the log. */
export type Story = readonly string[];

export class Simulation {
  private readonly world: World;
  private readonly coordinator: SimCoordinator;
  private readonly network: SimNetwork;
  private readonly workers: readonly SimWorker[];
  private isTroubled: boolean;

  private readonly options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.options = options;

    const world = new World(options.seed);
    this.world = world;
    this.coordinator = new SimCoordinator(world);
    this.network = new SimNetwork(world, this.coordinator);
    this.workers = options.workers.map(
      (nature, index) => new SimWorker(world, this.network, this.coordinator, `worker${index}`, nature),
    );
    this.isTroubled = options.isTroubled;
  }

  /** Runs to the end of every job. Returns what the log says of each. */
  run(): readonly Story[] {
    const { world, coordinator } = this;
    coordinator.blobs.put(new Uint8Array(initialParameters.buffer));
    coordinator.start();
    this.request(registration, () => {
      for (const job of this.options.jobs) this.request(job, () => {});
    });
    for (const worker of this.workers) worker.join();
    this.watchJobs();
    if (this.isTroubled) this.makeTrouble();
    const isFinished = world.runUntil(() => this.areJobsFinished(), finishMs);
    assert(isFinished, `every job finishes after the trouble is over: ${this.describe()}`);
    checkAgainstLog(coordinator);
    checkDisk(coordinator);
    checkLeftovers(coordinator);
    return this.options.jobs.map(({ jobId }) => this.story(jobId));
  }

  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.coordinator.refusals;
  }

  /** Hash of the whole history. */
  get trace(): number {
    return this.coordinator.trace;
  }

  private areJobsFinished(): boolean {
    if (this.isTroubled) return false;
    const { jobs } = this.coordinator.state.replicated;
    return this.options.jobs.every(({ jobId }) => jobs.get(jobId)?.state === 'finished');
  }

  private describe(): string {
    const { state } = this.coordinator;
    return [...state.replicated.jobs.values()]
      .map(({ jobId, state: is, stateReason, version }) => `${jobId} is ${is} at ${version} (${stateReason})`)
      .join(', ');
  }

  private story(jobId: JobId): Story {
    const { log } = this.coordinator;
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
    const call = this.coordinator.call(
      (ref) => ({ kind: 'commandRequested', call: ref, command }),
      (answer) => {
        const isOver =
          answer?.kind === 'answerCommitted' || (answer?.kind === 'refuse' && answer.code === 'conflict');
        if (isOver) done();
        else this.world.schedule(adminMs, () => this.request(command, done));
      },
    );
    if (call === undefined) this.world.schedule(adminMs, () => this.request(command, done));
  }

  /** Resumes what was paused, by whom or whatever. */
  private watchJobs(): void {
    this.world.schedule(adminMs, () => {
      for (const job of this.coordinator.state.replicated.jobs.values()) {
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
    this.coordinator.call(
      (call) => ({ kind: 'commandRequested', call, command }),
      () => {},
    );
  }

  private makeTrouble(): void {
    const { world, coordinator, network } = this;
    network.faults = {
      lossProbability: world.between(0, 0.15),
      duplicateProbability: world.between(0, 0.2),
      delayMsMax: world.between(5, 300),
    };
    coordinator.storeFails = () => world.chance(0.02);
    coordinator.stallMs = () => (world.chance(0.03) ? world.between(0, 5_000) : 0);
    this.strike();
    world.schedule(troubleMs, () => this.heal());
  }

  private strike(): void {
    const { world, coordinator } = this;
    world.schedule(world.between(20, 4_000), () => {
      if (!this.isTroubled) return;
      this.strike();
      if (!coordinator.isAlive) return;
      const blow = world.random.below(5);
      if (blow === 0) this.crashForAWhile();
      else if (blow === 1) coordinator.depose();
      else if (blow === 2) this.pauseOne();
      else if (blow === 3) coordinator.log.fail(world.between(0, 1_500));
      else this.disturbWorker();
    });
  }

  private crashForAWhile(): void {
    this.coordinator.crash();
    this.world.schedule(this.world.between(10, 2_000), () => this.coordinator.start());
  }

  private pauseOne(): void {
    const { jobs } = this.options;
    const job = jobs[this.world.random.below(jobs.length)];
    if (job !== undefined) this.changeState(job.jobId, 'paused');
  }

  private disturbWorker(): void {
    const worker = this.workers[this.world.random.below(this.workers.length)];
    worker?.vanish();
    this.world.schedule(this.world.between(100, 15_000), () => worker?.join());
  }

  /** From now on nothing goes wrong, and the liars stay. */
  private heal(): void {
    this.isTroubled = false;
    this.network.faults = { ...healthyNetwork };
    this.coordinator.storeFails = () => false;
    this.coordinator.stallMs = () => 0;
    for (const worker of this.workers) worker.nature = { ...worker.nature, vanishProbability: 0 };
    this.world.schedule(20_000, () => {
      for (const worker of this.workers) worker.join();
    });
  }
}
