import type { Engine } from '../engine/engine.ts';
import type { RingDesk } from '../ring/ring-desk.ts';
import type { Coordinator } from './coordinator.ts';
import type { JobShelf } from './job-shelf.ts';
import type { SessionPorts, WorkerIdentity } from './ports.ts';
import type { RateMeter } from './rate-meter.ts';
import type { StatusBoard } from './status-board.ts';
import type { UplinkMeter } from './uplink-meter.ts';

/**
 * What a worker keeps from one connection to the next, so also when another coordinator leads: the shelf has compiled
 * models, parameters, and whatever a codec would carry from one unit of a job to the next. Leases and results that were
 * not acknowledged are not kept: they are void under another leader.
 */
export interface WorkerState {
  readonly ports: SessionPorts;
  readonly identity: WorkerIdentity;
  readonly engine: Engine;
  readonly shelf: JobShelf;
  readonly board: StatusBoard;
  readonly rate: RateMeter;
  readonly uplink: UplinkMeter;
}

/** The same on one registered connection. */
export interface SessionState extends WorkerState {
  readonly coordinator: Coordinator;
  /** Absent where the worker is no member of rings. */
  readonly rings: RingDesk | undefined;
}
