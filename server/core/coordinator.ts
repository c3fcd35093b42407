import { removeBlobs } from './blob-removal.ts';
import { checkCommand } from './check-command.ts';
import type { Command } from './commands.ts';
import { contributionReduced, receiveContribution, receiveEvaluation } from './contributions.ts';
import type { CoordinatorState } from './coordinator-state.ts';
import { coordinatorLost, sumsMissing } from './edge.ts';
import type { CallRef, Effect, Event } from './events.ts';
import { blobStored, catchUp, loadSnapshot } from './following.ts';
import { advance, elapsedMs } from './job-run.ts';
import { becomeLeader, loseLeadership } from './leadership.ts';
import { expireLeasesAndPolls, releaseLeases, requestLease } from './lease-calls.ts';
import { onCommitted, onProposalFailed } from './on-committed.ts';
import { abandonParked } from './parked.ts';
import { blobsFetched, replicaFailed, roundFollowed, trainerOpened } from './replica-events.ts';
import { tendReplica } from './replicas.ts';
import { receiveRingReport, receiveRingSum, ringSumMerged } from './ring/ring-events.ts';
import { abandonSum, tendRing } from './ring/ring-losses.ts';
import { dequeue, handOutUnits, hedgeLateUnits } from './scheduler.ts';
import { checkpointStored, roundStored, trainerFailed } from './trainer-events.ts';
import { refuse, type Turn } from './turn.ts';
import { expireWorkers, recordHeartbeat, registerWorker, workerLeft } from './workers.ts';

/**
 * The coordinator as a function: one event in, the effects it asks for out, in the order in which they must happen.
 * `state` is changed in place and belongs to the caller. No clock, chance, socket or disk inside, so a run is repeated
 * by repeating its events.
 *
 * The shell keeps these promises: `committed` comes once for every command of the log, in order, but for those that a
 * `snapshotLoaded` covers; `caughtUp` comes once, and `becameLeader` only after all that were committed before it; the
 * trainer works its effects off in order and reports in that order; every `propose` with a call ends
 * in `committed` or `proposalFailed`, and what a command names is on a majority before the log has it. In return every
 * call is answered exactly once, abandoned ones with `cancelled`.
 */
export function step(state: CoordinatorState, event: Event, nowMs: number): readonly Effect[] {
  const turn: Turn = { state, nowMs, effects: [] };
  if (state.epoch === undefined && needsLeader(event)) {
    refuse(turn, event.call, 'notLeader', 'This coordinator does not lead; connect to the leader.');
    return turn.effects;
  }
  const handle = handlers[event.kind] as (turn: Turn, event: Event) => void;
  handle(turn, event);
  removeBlobs(turn);
  handOutUnits(turn);
  return turn.effects;
}

type WorkerOrAdminCall = Exclude<
  Extract<Event, { readonly call: CallRef }>,
  { readonly kind: 'callAbandoned' }
>;

function needsLeader(event: Event): event is WorkerOrAdminCall {
  switch (event.kind) {
    case 'workerRegistered':
    case 'leaseRequested':
    case 'contributionReceived':
    case 'evaluationReported':
    case 'ringReported':
    case 'ringUploaded':
    case 'commandRequested':
      return true;
    default:
      return false;
  }
}

type Handlers = {
  readonly [Kind in Event['kind']]: (turn: Turn, event: Extract<Event, { kind: Kind }>) => void;
};

const handlers: Handlers = {
  becameLeader: becomeLeader,
  lostLeadership: loseLeadership,
  caughtUp: catchUp,
  snapshotLoaded: loadSnapshot,
  blobStored,
  tick,
  workerRegistered: registerWorker,
  workerLeft,
  coordinatorLost,
  sumsMissing,
  heartbeat: recordHeartbeat,
  leaseRequested: requestLease,
  leasesReleased: releaseLeases,
  callAbandoned: abandonCall,
  contributionReceived: receiveContribution,
  contributionReduced,
  evaluationReported: receiveEvaluation,
  ringReported: receiveRingReport,
  ringUploaded: receiveRingSum,
  ringSumMerged,
  blobsFetched,
  trainerOpened,
  roundFollowed,
  replicaFailed,
  trainerFailed,
  roundStored,
  checkpointStored,
  committed: onCommitted,
  proposalFailed: onProposalFailed,
  commandRequested: requestCommand,
};

/** What only the passage of time brings about. */
function tick(turn: Turn): void {
  const { state } = turn;
  for (const jobId of [...state.replicas.keys()]) tendReplica(turn, jobId);
  if (state.epoch === undefined) return;
  expireWorkers(turn);
  expireLeasesAndPolls(turn);
  for (const run of state.runs.values()) tendRing(turn, run);
  for (const jobId of [...state.runs.keys()]) advance(turn, jobId);
  handOutUnits(turn);
  hedgeLateUnits(turn);
}

/** Checked now, so that the admin gets a plain answer, and again when it is applied, when others may have been faster. */
function requestCommand(turn: Turn, { call, command }: Extract<Event, { kind: 'commandRequested' }>): void {
  const refusal = checkCommand(turn.state.replicated, command);
  if (refusal === undefined) turn.effects.push({ kind: 'propose', command: stamp(turn, command), call });
  else refuse(turn, call, refusal.code, refusal.message, refusal.field);
}

function stamp({ state, nowMs }: Turn, command: Command): Command {
  if (command.kind !== 'jobStateChanged') return { ...command, atMs: nowMs };
  const run = state.runs.get(command.jobId);
  return { ...command, elapsedMs: run === undefined ? 0 : elapsedMs(run, nowMs), atMs: nowMs };
}

function abandonCall(turn: Turn, { call }: Extract<Event, { kind: 'callAbandoned' }>): void {
  const { state } = turn;
  const waiting = state.waiting.get(call);
  const reducing = state.reducingCalls.get(call);
  const wasParked = abandonParked(state, call);
  const wasSum = abandonSum(turn, call);
  if (waiting !== undefined) dequeue(state, state.workers.get(waiting.workerId), waiting);
  if (reducing !== undefined) reducing.call = undefined;
  state.reducingCalls.delete(call);
  if (waiting !== undefined || reducing !== undefined || wasParked || wasSum) {
    refuse(turn, call, 'cancelled', 'The caller gave up.');
  }
}
