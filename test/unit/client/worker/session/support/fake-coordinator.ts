import { type ErrorCode, GradswarmError } from '../../../../../../shared/base/errors.ts';
import { codecText, parseCodecText } from '../../../../../../shared/codec/codec-spec.ts';
import { createFlatCodec } from '../../../../../../shared/codec/codecs.ts';
import { applyUpdate, encodeUpdate } from '../../../../../../shared/codec/published-update.ts';
import type { JobDocument } from '../../../../../../shared/job/job-document.ts';
import { samplesPerUnit } from '../../../../../../shared/job/unit-samples.ts';
import type { Link } from '../../../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../../../shared/protocol/memory-link.ts';
import type { ServiceHandlers } from '../../../../../../shared/protocol/rpc-handlers.ts';
import { createRpcServer, type ServedConnection } from '../../../../../../shared/protocol/rpc-server.ts';
import {
  type ContributeRequest,
  type RegisterRequest,
  type ReportEvaluationRequest,
  tensorRoles,
  unitKinds,
  workerService,
} from '../../../../../../shared/protocol/services.ts';
import { systemTimers } from '../../../../../../shared/system/system-timers.ts';
import type { TensorDeclaration } from '../../../../../../shared/tensor/manifest.ts';
import { hashOf, smallDataset } from './small-job.ts';

export interface FakeUnit {
  readonly unit: number;
  readonly kind: 'train' | 'evaluate';
}

/** Knobs that make the coordinator behave in unusual but possible ways. All are read at each use. */
export interface Behaviour {
  refuseRegister?: ErrorCode | undefined;
  refuseContribution?: ErrorCode | undefined;
  /** Hash announced with updates and leases from now on, instead of the right one. */
  falseHash?: string | undefined;
  /** Updates are committed but not sent. */
  withholdUpdates?: boolean;
  /** No unit is given out. */
  pauseReason?: string | undefined;
  leaseDeadlineMs?: number;
  /** The ring for which updates may be kept, in the leases. */
  ringId?: number;
  /** The version in the leases, relative to the true one. */
  leaseVersionShift?: number;
  /** Only the coordinator at this address leads; empty while nobody does. All lead when absent. */
  leaderUrl?: string;
  /** The leader that followers name, instead of the true one. */
  falseLeaderUrl?: string | undefined;
  /** Named to whoever registers. */
  coordinators?: readonly string[];
}

interface Peer {
  /** The address that was connected to. */
  readonly url: string;
  /** Every lease that the connection was given. */
  readonly leases: Set<string>;
}

interface Watcher {
  push(version: number, payload: Uint8Array): void;
}

const noRing = {
  answer: () => {
    throw new GradswarmError('notFound', 'this coordinator has no rings');
  },
};

/**
 * A parameter server in the smallest form that speaks the whole of `WorkerService`: rounds of units, the sum of the
 * decoded updates, plain gradient descent, and published deltas.
 */
export class FakeCoordinator {
  readonly behaviour: Behaviour = {};
  readonly registrations: RegisterRequest[] = [];
  /** Tokens by the address to which they were sent, whether they were taken or not. */
  readonly tokens = new Map<string, string>();
  readonly contributions: ContributeRequest[] = [];
  /** What the contributions decode to. */
  readonly updates: Float32Array[] = [];
  readonly evaluations: ReportEvaluationRequest[] = [];
  readonly released: string[] = [];
  /** Lease ids given out and neither used nor given back. */
  readonly leased = new Map<string, FakeUnit>();
  /** Calls that were refused because another coordinator leads. */
  sentAway = 0;
  snapshots = 0;
  heartbeats = 0;
  /** What heartbeats have named, one entry each that named some. */
  readonly ringChannelsNamed: (readonly string[])[] = [];
  version = 0;
  readonly published: Float32Array;
  private readonly document: JobDocument;
  private readonly tensors: readonly TensorDeclaration[];
  private readonly parameters: Float32Array;
  private sum: Float32Array;
  private counted = 0;
  private units: FakeUnit[] = [];
  private leaseNumber = 0;
  private readonly watchers = new Set<Watcher>();
  private readonly waiting = new Set<() => void>();
  private readonly connections = new Set<ServedConnection>();
  private epoch = 1;
  private readonly server = createRpcServer<typeof workerService, Peer>(workerService, this.handlers(), {
    timers: systemTimers,
    admit: ({ url }, method) => {
      if (method !== 'WorkerService/Register') this.requireLeader(url);
    },
  });

  constructor(document: JobDocument, tensors: readonly TensorDeclaration[], initial: Float32Array) {
    this.document = document;
    this.tensors = tensors;
    this.parameters = initial.slice();
    this.published = initial.slice();
    this.sum = new Float32Array(initial.length);
    this.openRound();
  }

  connect(url = ''): Link {
    const [client, server] = createLinkPair((task) => setTimeout(task, 0));
    this.serve(server, url);
    return client;
  }

  serve(link: Link, url = ''): void {
    const peer: Peer = { url, leases: new Set() };
    const connection = this.server.serve(link, peer);
    this.connections.add(connection);
    // A grant may have crossed the worker's farewell: what a connection still holds at its end is free again.
    connection.closed.then(() => this.takeAllBack(peer)).catch(() => {});
  }

  /** Ends every connection, as a crash would. */
  drop(): void {
    for (const connection of this.connections)
      connection.close(new GradswarmError('unavailable', 'going down'));
    this.connections.clear();
    this.watchers.clear();
  }

  /** Another coordinator leads from now on: leases are void, and the open round is computed anew. */
  changeLeader(url: string): void {
    this.behaviour.leaderUrl = url;
    this.epoch++;
    this.leased.clear();
    this.openRound();
  }

  /** Puts an evaluation of the present version in front of the training units. */
  evaluate(): void {
    this.units.unshift({ unit: 0, kind: 'evaluate' });
    this.wake();
  }

  resume(): void {
    this.behaviour.pauseReason = undefined;
    this.wake();
  }

  parametersHash(): string {
    return hashOf(bytesOf(this.published));
  }

  private requireLeader(url: string): void {
    const { leaderUrl, falseLeaderUrl } = this.behaviour;
    if (leaderUrl === undefined || leaderUrl === url) return;
    this.sentAway++;
    const named = falseLeaderUrl ?? leaderUrl;
    throw new GradswarmError('notLeader', 'another one leads', undefined, named === '' ? undefined : named);
  }

  private openRound(): void {
    this.counted = 0;
    this.sum = new Float32Array(this.parameters.length);
    this.units = Array.from({ length: this.document.unitsPerRound }, (_, unit) => ({ unit, kind: 'train' }));
    this.wake();
  }

  private closeRound(): void {
    const before = this.published.slice();
    this.parameters.forEach((value, index) => {
      this.parameters[index] = value - (0.5 * (this.sum[index] ?? 0)) / this.document.unitsPerRound;
    });
    const down = createFlatCodec(this.document.codec.down, before.length);
    const payload = encodeUpdate(down, this.parameters, before, this.version);
    applyUpdate(down, this.published, payload);
    this.version++;
    if (!this.behaviour.withholdUpdates)
      for (const watcher of this.watchers) watcher.push(this.version, payload);
    this.openRound();
  }

  private takeAllBack({ leases }: Peer): void {
    for (const leaseId of leases) {
      const unit = this.leased.get(leaseId);
      if (unit) this.takeBack(leaseId, unit);
    }
  }

  private takeBack(leaseId: string, unit: FakeUnit): void {
    this.leased.delete(leaseId);
    this.units.unshift(unit);
    this.wake();
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }

  private takeLease(leaseId: string): void {
    if (!this.leased.delete(leaseId)) throw new GradswarmError('unknownLease', 'the lease is unknown');
  }

  private grant(unit: FakeUnit, { leases }: Peer) {
    const leaseId = `lease-${++this.leaseNumber}`;
    leases.add(leaseId);
    this.leased.set(leaseId, unit);
    const { unitsPerRound, batchSize } = this.document;
    const sampleCount = unit.kind === 'train' ? samplesPerUnit(this.document) : batchSize;
    const start = unit.kind === 'train' ? (this.version * unitsPerRound + unit.unit) * sampleCount : 0;
    return {
      leaseId,
      jobId: this.document.name,
      kind: unitKinds[unit.kind],
      round: this.version,
      unit: unit.unit,
      version: Math.max(0, this.version + (this.behaviour.leaseVersionShift ?? 0)),
      parametersHash: this.behaviour.falseHash ?? this.parametersHash(),
      epoch: this.epoch,
      deadlineMs: this.behaviour.leaseDeadlineMs ?? 60_000,
      sampleStart: start,
      sampleCount,
      seed: this.leaseNumber,
      ringId: this.behaviour.ringId ?? 0,
    };
  }

  private async nextUnit(signal: AbortSignal): Promise<FakeUnit | undefined> {
    while (!signal.aborted) {
      if (this.behaviour.pauseReason !== undefined) return undefined;
      const unit = this.units.shift();
      if (unit) return unit;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.waiting.delete(wake);
          resolve();
        };
        this.waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
    return undefined;
  }

  private handlers(): ServiceHandlers<typeof workerService, Peer> {
    return {
      register: {
        answer: (request, { connection }) => {
          this.tokens.set(connection.url, request.token);
          this.requireLeader(connection.url);
          this.registrations.push(request);
          const { refuseRegister, coordinators = [] } = this.behaviour;
          if (refuseRegister) throw new GradswarmError(refuseRegister, `refused: ${refuseRegister}`);
          const workerId = request.previousWorkerId || `worker-${this.registrations.length}`;
          const cluster = { clusterId: 'c', coordinators: [...coordinators] };
          return { message: { workerId, epoch: this.epoch, heartbeatIntervalMs: 500, ...cluster } };
        },
      },
      heartbeat: {
        answer: ({ ringChannels }) => {
          this.heartbeats++;
          if (ringChannels) this.ringChannelsNamed.push(ringChannels.kinds);
          return { message: { epoch: this.epoch } };
        },
      },
      lease: {
        answer: async (_, { signal, connection }) => {
          const unit = await this.nextUnit(signal);
          if (unit) return { message: { lease: this.grant(unit, connection), reason: '' } };
          return { message: { reason: this.behaviour.pauseReason ?? '' } };
        },
      },
      releaseLeases: {
        answer: ({ leaseIds }) => {
          for (const leaseId of leaseIds) this.release(leaseId);
          return { message: {} };
        },
      },
      getJob: {
        answer: ({ jobId }) => ({
          message: {
            jobId,
            documentJson: JSON.stringify(this.document),
            datasetJson: JSON.stringify(smallDataset),
            manifest: {
              tensors: this.tensors.map(({ name, shape }) => ({
                name,
                shape: [...shape],
                role: tensorRoles.trainable,
              })),
            },
            manifestHash: 'manifest',
          },
        }),
      },
      getParameters: {
        answer: () => {
          this.snapshots++;
          const payload = bytesOf(this.published).slice();
          return { message: { version: this.version, parametersHash: this.parametersHash() }, payload };
        },
      },
      watchParameters: { answer: (_, { signal }) => this.watch(signal) },
      watchRing: noRing,
      relayRing: noRing,
      signalRing: noRing,
      reportRing: noRing,
      uploadRing: noRing,
      contribute: {
        payloadBytesMax: () => 1_000_000,
        answer: (request, _, payload) => {
          this.count(request, payload);
          return { message: {} };
        },
      },
      reportEvaluation: {
        answer: (request) => {
          this.takeLease(request.leaseId);
          this.evaluations.push(request);
          return { message: {} };
        },
      },
    };
  }

  private release(leaseId: string): void {
    const unit = this.leased.get(leaseId);
    this.released.push(leaseId);
    if (unit) this.takeBack(leaseId, unit);
  }

  private count(request: ContributeRequest, payload: Uint8Array): void {
    if (request.epoch !== this.epoch) throw new GradswarmError('staleEpoch', 'an earlier leader');
    this.takeLease(request.leaseId);
    const { refuseContribution } = this.behaviour;
    if (refuseContribution) {
      this.units.push({ unit: request.unit, kind: 'train' });
      this.wake();
      throw new GradswarmError(refuseContribution, `refused: ${refuseContribution}`);
    }
    if (request.version !== this.version) throw new GradswarmError('wrongVersion', 'another version');
    this.contributions.push(request);
    const update = new Float32Array(request.length);
    if (request.ringId === 0)
      createFlatCodec(parseCodecText(request.codec), request.length).decode(payload, 0, update);
    this.updates.push(update);
    update.forEach((value, index) => {
      this.sum[index] = (this.sum[index] ?? 0) + value;
    });
    if (++this.counted === this.document.unitsPerRound) this.closeRound();
  }

  private async *watch(signal: AbortSignal) {
    const queue: {
      readonly version: number;
      readonly payload: Uint8Array;
      readonly parametersHash: string;
    }[] = [];
    let wake = (): void => {};
    const watcher: Watcher = {
      push: (version, payload) => {
        queue.push({ version, payload, parametersHash: this.behaviour.falseHash ?? this.parametersHash() });
        wake();
      },
    };
    this.watchers.add(watcher);
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      for (let item = queue.shift(); item; item = queue.shift()) {
        const { version, parametersHash, payload } = item;
        const progress = {
          round: version,
          trainingLoss: 1 / version,
          testAccuracy: 0.5,
          workers: 1,
          state: 'running',
        };
        const codec = codecText(this.document.codec.down);
        const jobId = this.document.name;
        yield {
          message: { jobId, baseVersion: version - 1, version, codec, parametersHash, progress },
          payload,
        };
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || queue.length > 0) resolve();
      });
    }
    this.watchers.delete(watcher);
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
