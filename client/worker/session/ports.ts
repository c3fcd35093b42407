import type { BatchMemory } from '../../../shared/data/batch-memory.ts';
import type { Checksum } from '../../../shared/protocol/checksum.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { UnitRunner, UnitRunnerSetup } from '../compute/unit-runner.ts';
import type { FetchBytes } from '../data/fetch-bytes.ts';
import type { Sha256 } from '../data/sha256.ts';
import type { ShardStore } from '../data/shard-store.ts';
import type { Engine } from '../engine/engine.ts';
import type { RingTransport } from '../ring/ring-channel.ts';

/** What the session reaches the world through; every home and the tests bring their own. */
export interface SessionPorts {
  /** Opens a connection to the coordinator with this base address. @throws GradswarmError `unavailable`. */
  readonly connect: (url: string, signal: AbortSignal) => Promise<Link>;
  readonly fetchBytes: FetchBytes;
  readonly sha256: Sha256;
  readonly checksum: Checksum;
  readonly shardStore?: ShardStore | undefined;
  /** Direct ways to other workers, beside the one through the coordinator; the worker is in no rings when absent. */
  readonly ringTransports?: readonly RingTransport[] | undefined;
  readonly timers: Timers;
  /** Uniform in [0, 1); spreads reconnections. */
  readonly chance: () => number;
  /** Lets sockets and timers have their turn between two units. */
  readonly breathe: () => Promise<void>;
}

/** What computes. */
export interface ComputePorts {
  readonly openEngine: () => Promise<Engine>;
  readonly createUnitRunner: (setup: UnitRunnerSetup) => Promise<UnitRunner>;
  /** @throws GradswarmError `selfTestFailed` with the figures. */
  readonly selfTest: (engine: Engine, modelKind: string) => Promise<void>;
  /** For the batches of one job, where the runners can read them. */
  readonly createBatchMemory: () => BatchMemory;
}

/** Who the worker is and what it serves. */
export interface WorkerIdentity {
  readonly token: string;
  readonly name: string;
  readonly home: 'browser' | 'node';
  /** Serve only this job; empty means any. */
  readonly jobId: string;
  readonly sampleText: boolean;
}
