import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Command } from '../core/commands.ts';
import type { CallRef, Event } from '../core/events.ts';
import { createLeadershipWatch } from './leadership-watch.ts';
import type { LogItem, ReplicatedLog } from './ports.ts';

export interface LogDriver {
  propose(command: Command, call: CallRef | undefined): void;
  /**
   * Loads the committed past, then calls `caughtUp` and goes on; resolves when leadership is announced, or at once when
   * the log was closed. While no leader can be found it waits.
   */
  start(caughtUp: () => void): Promise<void>;
  /** The core has applied `index`; compacts when enough has gathered since the last snapshot. */
  applied(index: number, takeSnapshot: () => Uint8Array): void;
  /** Compacts whether it is due or not: `snapshot` is the state at `index`, which is applied. */
  compact(index: number, snapshot: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

export interface LogDriverDependencies {
  readonly log: ReplicatedLog;
  /** Unique to this process: a later life of the same coordinator is another client. */
  readonly clientId: string;
  encode(command: Command): Uint8Array;
  decode(bytes: Uint8Array): Command;
  /** The state that a snapshot holds. */
  restore(snapshot: Uint8Array): Extract<Event, { kind: 'snapshotLoaded' }>['replicated'];
  post(event: Event): void;
  onFatal(error: unknown): void;
}

interface Proposed {
  readonly command: Command;
  readonly call: CallRef | undefined;
  /** Where the log says that it is; its item may still be on its way. */
  index?: number;
}

const unknownOutcomeRetries = 20;

/** Carries commands into the replicated log and committed ones back to the core, in order and exactly once. */
export function createLogDriver(dependencies: LogDriverDependencies): LogDriver {
  const { log, clientId, encode, decode, restore, post, onFatal } = dependencies;
  const waiting = new Map<number, Proposed>();
  const watch = createLeadershipWatch({ log, post, onFatal });
  let sequence = 0;
  let snapshotIndex = 0;
  let isCompacting = false;
  let isStopped = false;
  let consumed: Promise<void> = Promise.resolve();

  const fail = (mine: number, { code, message }: GradswarmError): void => {
    const proposed = waiting.get(mine);
    if (!waiting.delete(mine) || proposed === undefined) return;
    const { command, call } = proposed;
    const callField = call === undefined ? {} : { call };
    post({ kind: 'proposalFailed', command, ...callField, code, message });
  };

  /** A snapshot took the place of the commands up to `index`, some of them from here. */
  const failCovered = (index: number): void => {
    const message =
      'The change was decided while this coordinator was away; look at the result before you repeat it.';
    for (const [mine, proposed] of waiting) {
      if (proposed.index !== undefined && proposed.index <= index) {
        fail(mine, new GradswarmError('unavailable', message));
      }
    }
  };

  /** @throws GradswarmError when the log refuses the command, or its outcome stays unknown. */
  const proposeUntilKnown = async (command: Command, mine: number): Promise<number> => {
    const bytes = encode(command);
    let isUnknown = false;
    for (let attempt = 0; attempt < unknownOutcomeRetries; attempt++) {
      if (attempt > 0) await watch.pause(attempt);
      const outcome = await log.propose(bytes, { clientId, sequence: mine });
      if (outcome.kind === 'committed') return outcome.index;
      isUnknown ||= outcome.kind === 'unknown';
      if (outcome.kind === 'notLeader' || isStopped) break;
    }
    const fate = isUnknown
      ? 'may or may not have committed the change; look at the result before you repeat it'
      : 'could not commit the change; try again';
    throw new GradswarmError('unavailable', `This coordinator ${fate}.`);
  };

  const propose = async (command: Command, mine: number): Promise<void> => {
    try {
      const index = await proposeUntilKnown(command, mine);
      const proposed = waiting.get(mine);
      if (proposed !== undefined) proposed.index = index;
      failCovered(snapshotIndex);
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      fail(mine, error);
    }
  };

  const deliver = (item: LogItem): void => {
    const { kind, index, epoch } = item;
    if (kind === 'snapshot') {
      post({ kind: 'snapshotLoaded', epoch, replicated: restore(item.bytes) });
      snapshotIndex = index;
      failCovered(index);
    }
    if (kind === 'command') {
      const mine = item.proposal.clientId === clientId;
      const call = mine ? waiting.get(item.proposal.sequence)?.call : undefined;
      if (mine) waiting.delete(item.proposal.sequence);
      const callField = call === undefined ? {} : { call };
      post({ kind: 'committed', index, epoch, command: decode(item.bytes), ...callField });
    }
    watch.delivered(index);
  };

  const consume = async (): Promise<void> => {
    for await (const item of log.committed(0)) {
      if (isStopped) return;
      deliver(item);
    }
  };

  return {
    propose(command, call) {
      sequence += 1;
      waiting.set(sequence, { command, call });
      propose(command, sequence).catch(onFatal);
    },
    async start(caughtUp) {
      consumed = consume().catch(onFatal);
      if (!(await watch.reachPresent())) return;
      caughtUp();
      await watch.announce();
    },
    applied(index, takeSnapshot) {
      if (isCompacting || index - snapshotIndex < limits.logEntriesPerSnapshot) return;
      isCompacting = true;
      log
        .compact(index, takeSnapshot())
        .then(() => {
          snapshotIndex = Math.max(snapshotIndex, index);
          isCompacting = false;
        })
        .catch(onFatal);
    },
    async compact(index, snapshot) {
      await log.compact(index, snapshot);
      snapshotIndex = Math.max(snapshotIndex, index);
    },
    async stop() {
      isStopped = true;
      watch.stop();
      await log.close();
      await consumed;
    },
  };
}
