import type { WorkerId } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { RingIdentity } from '../../../shared/sync/ring/ring-message.ts';
import { ringTimeoutMs, ringUploadTimeoutMs } from '../../../shared/sync/ring/ring-timeout.ts';
import type { JobRun, Round } from '../coordinator-state.ts';
import type { RingTold } from '../effect-values.ts';
import type { JobRecord } from '../job-record.ts';
import { log, type Turn } from '../turn.ts';
import { heldUnits, heldWeight, reopenUnits } from './held-units.ts';
import { linkName, neighbour, type Ring, type RingExchange, type RingUpload } from './ring-state.ts';
import { chooseWay, type RingWay } from './ring-way.ts';

/**
 * All units are counted: what workers hold has to become one sum. Returns false when nothing is held. Two holders or
 * more form a ring; one, or all after too many failures, hand in what they hold, and the coordinator adds.
 */
export function gatherHeld(turn: Turn, job: JobRecord, run: JobRun, round: Round): boolean {
  const { ring } = round;
  if (ring === undefined || ring.held.size === 0) return false;
  if (ring.exchange !== undefined || ring.uploads.size > 0) return true;
  const holders = [...ring.held.keys()].slice(0, limits.ringMembersMax);
  const way = ring.failures >= limits.ringEpochsMax ? undefined : chooseWay(turn, run, round, holders);
  if (way === undefined) for (const holder of holders) askForOwnSum(turn, job, round, ring, holder);
  else beginExchange(turn, job, run, round, ring, way);
  return true;
}

function beginExchange(
  turn: Turn,
  job: JobRecord,
  run: JobRun,
  round: Round,
  ring: Ring,
  { channel, members }: RingWay,
): void {
  const { links } = run.ringMemory;
  const speeds = members.flatMap((from) => links.get(linkName(from, neighbour(members, from, 1))) ?? []);
  const slowest = speeds.length === members.length ? Math.min(...speeds) : limits.ringBytesPerSecondFirst;
  const connectMs = channel === 'webrtc' ? limits.ringConnectTimeoutMs : 0;
  const timeoutMs = connectMs + ringTimeoutMs(job.parameters, members.length, slowest);
  const exchange: RingExchange = {
    identity: nextIdentity(turn, round, ring),
    members,
    channel,
    weight: heldWeight(ring, members),
    deadlineMs: turn.nowMs + timeoutMs,
    hashes: new Map(),
    stalled: new Set(),
  };
  ring.exchange = exchange;
  const plan = members.map((workerId) => ({ workerId, units: heldUnits(ring, workerId) }));
  const { identity, weight } = exchange;
  tell(turn, job, members, { kind: 'plan', identity, members: plan, channel, weight, deadlineMs: timeoutMs });
}

function nextIdentity({ state }: Turn, { round }: Round, ring: Ring): RingIdentity {
  ring.ringEpoch += 1;
  return { epoch: state.epoch ?? 0, round, ringId: ring.ringId, ringEpoch: ring.ringEpoch };
}

export function tell(
  { effects }: Turn,
  { jobId }: Pick<JobRecord, 'jobId'>,
  workerIds: readonly WorkerId[],
  told: RingTold,
): void {
  effects.push({ kind: 'tellRing', jobId, workerIds, told });
}

type Wanted = Pick<RingUpload, 'identity' | 'holders' | 'weight' | 'hash' | 'candidates'>;

function ask(turn: Turn, job: JobRecord, ring: Ring, workerId: WorkerId, wanted: Wanted): void {
  const timeoutMs = ringUploadTimeoutMs(job.parameters);
  const deadlineMs = turn.nowMs + timeoutMs;
  ring.uploads.set(workerId, { ...wanted, deadlineMs, call: undefined, isMerging: false });
  const units = wanted.hash === undefined ? heldUnits(ring, workerId) : [];
  tell(turn, job, [workerId], { kind: 'upload', identity: wanted.identity, units, deadlineMs: timeoutMs });
}

function askForOwnSum(turn: Turn, job: JobRecord, round: Round, ring: Ring, holder: WorkerId): void {
  const identity = nextIdentity(turn, round, ring);
  const weight = heldWeight(ring, [holder]);
  ask(turn, job, ring, holder, { identity, holders: [holder], weight, hash: undefined, candidates: [] });
}

/** Every member of the exchange has the same sum: one hands it in. */
export function askForRingSum(
  turn: Turn,
  job: JobRecord,
  ring: Ring,
  { identity, members, weight }: RingExchange,
  hash: string,
): void {
  ring.exchange = undefined;
  const [first, ...candidates] = members;
  if (first !== undefined)
    ask(turn, job, ring, first, { identity, holders: members, weight, hash, candidates });
}

/** The exchange has come to nothing; what its members hold is still theirs. */
export function failExchange(
  turn: Turn,
  job: Pick<JobRecord, 'jobId'>,
  ring: Ring,
  exchange: RingExchange,
  reason: string,
): void {
  ring.exchange = undefined;
  ring.failures += 1;
  tell(turn, job, exchange.members, { kind: 'over', identity: exchange.identity });
  const { round, ringEpoch } = exchange.identity;
  log(turn, 'warn', 'ring epoch failed', { jobId: job.jobId, round, ringEpoch, reason });
}

/** The sum did not come, or was refused: another one who has it is asked. Without one its units are as before. */
export function failUpload(turn: Turn, job: JobRecord, round: Round, ring: Ring, workerId: WorkerId): void {
  const upload = ring.uploads.get(workerId);
  if (upload === undefined) return;
  ring.uploads.delete(workerId);
  const [next, ...candidates] = upload.candidates.filter((id) => !ring.lost.has(id));
  if (next !== undefined) {
    ask(turn, job, ring, next, { ...upload, candidates });
    return;
  }
  ring.failures += 1;
  if (upload.hash === undefined) reopenUnits(round, ring, workerId);
  // Of others that are lost the sum may be with the trainer.
  for (const id of upload.holders) if (ring.lost.delete(id)) reopenUnits(round, ring, id);
}
