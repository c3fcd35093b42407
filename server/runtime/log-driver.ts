import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Command } from '../core/commands.ts';
import type { CallRef, Event } from '../core/events.ts';
import type { LogItem, ReplicatedLog } from './ports.ts';

export interface LogDriver {
  propose(command: Command, call: CallRef | undefined): void;
  /** Loads the committed past, then goes on; resolves when the past is applied and leadership is announced. */
  start(): Promise<void>;
  /** The core has applied `index`; compacts when enough has gathered since the last snapshot. */
  applied(index: number, takeSnapshot: () => Uint8Array): void;
  stop(): Promise<void>;
}

export interface LogDriverDependencies {
  readonly log: ReplicatedLog;
  /** Unique to this process: a later life of the same coordinator is another client. */
  readonly clientId: string;
  encode(command: Command): Uint8Array;
  decode(bytes: Uint8Array): Command;
  restore(snapshot: Uint8Array): void;
  post(event: Event): void;
  onFatal(error: unknown): void;
}

const unknownOutcomeRetries = 20;

/** Carries commands into the replicated log and committed ones back to the core, in order and exactly once. */
export function createLogDriver(dependencies: LogDriverDependencies): LogDriver {
  const { log, clientId, encode, decode, restore, post, onFatal } = dependencies;
  const waiting = new Map<number, CallRef | undefined>();
  let sequence = 0;
  let appliedIndex = 0;
  let snapshotIndex = 0;
  let isCompacting = false;
  let isStopped = false;
  let consumed: Promise<void> = Promise.resolve();
  let reachedBarrier: (() => void) | undefined;
  let barrierIndex = Number.POSITIVE_INFINITY;

  const fail = (command: Command, call: CallRef | undefined, { code, message }: GradswarmError): void => {
    const callField = call === undefined ? {} : { call };
    post({ kind: 'proposalFailed', command, ...callField, code, message });
  };

  /** @throws GradswarmError when the log refuses the command: it is not, and will not be, committed. */
  const proposeUntilKnown = async (command: Command, mine: number): Promise<void> => {
    const bytes = encode(command);
    for (let attempt = 0; attempt < unknownOutcomeRetries; attempt++) {
      const outcome = await log.propose(bytes, { clientId, sequence: mine });
      if (outcome.kind === 'committed') return;
      if (outcome.kind === 'notLeader') break;
    }
    throw new GradswarmError('unavailable', 'This coordinator could not commit the change; try again.');
  };

  const propose = async (command: Command, call: CallRef | undefined, mine: number): Promise<void> => {
    try {
      await proposeUntilKnown(command, mine);
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      if (waiting.delete(mine)) fail(command, call, error);
    }
  };

  const deliver = (item: LogItem): void => {
    if (item.kind === 'snapshot') {
      restore(item.bytes);
      snapshotIndex = item.index;
    }
    if (item.kind === 'command') {
      const mine = item.proposal.clientId === clientId;
      const call = mine ? waiting.get(item.proposal.sequence) : undefined;
      if (mine) waiting.delete(item.proposal.sequence);
      const callField = call === undefined ? {} : { call };
      post({ kind: 'committed', index: item.index, command: decode(item.bytes), ...callField });
    }
    appliedIndex = item.index;
    if (appliedIndex >= barrierIndex) reachedBarrier?.();
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
      waiting.set(sequence, call);
      propose(command, call, sequence).catch(onFatal);
    },
    async start() {
      const barrier = await log.barrier();
      const isCaughtUp = new Promise<void>((resolve) => {
        reachedBarrier = resolve;
      });
      barrierIndex = barrier;
      if (barrier === 0) reachedBarrier?.();
      consumed = consume().catch(onFatal);
      await isCaughtUp;
      const announce = (): void => {
        const { isLeader, epoch } = log.leadership();
        post(isLeader ? { kind: 'becameLeader', epoch } : { kind: 'lostLeadership' });
      };
      log.onLeadership(announce);
      announce();
    },
    applied(index, takeSnapshot) {
      if (isCompacting || index - snapshotIndex < limits.logEntriesPerSnapshot) return;
      isCompacting = true;
      log
        .compact(index, takeSnapshot())
        .then(() => {
          snapshotIndex = index;
          isCompacting = false;
        })
        .catch(onFatal);
    },
    async stop() {
      isStopped = true;
      await log.close();
      await consumed;
    },
  };
}
