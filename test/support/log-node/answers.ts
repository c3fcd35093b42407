import { setTimeout as wait } from 'node:timers/promises';
import type { ProposalId } from '../../../server/raft/entry.ts';
import type { RaftLog } from '../../../server/runtime/raft-log.ts';
import type { AppliedState } from './applied-state.ts';
import type { NodeSettings, NodeStatus, PlantedError, Reply, Request } from './protocol.ts';

/** In which of its commands a planted error shows. */
const plantedEvery = 20;
const secondTimeDelayMs = 100;

/** What a node answers its clients. A rejection means that nobody knows what became of the request. */
export function createAnswers(
  log: RaftLog,
  applied: AppliedState,
  settings: NodeSettings,
): (request: Request) => Promise<Reply> {
  const propose = async (command: Uint8Array, proposal: ProposalId): Promise<Reply> => {
    const outcome = await log.propose(command, proposal);
    if (outcome.kind === 'notLeader') return { kind: 'notLeader', ...leaderOf(log) };
    if (outcome.kind === 'unknown') return { kind: 'unknown', reason: 'the leader changed' };
    await applied.until(outcome.index);
    const result = applied.state.resultOf(proposal);
    if (result === undefined) return { kind: 'unknown', reason: 'a newer command of this client counts' };
    return { kind: 'applied', result, term: outcome.epoch };
  };

  return async (request) => {
    switch (request.kind) {
      case 'propose': {
        const { command, proposal } = request;
        return proposeWrongly(log, settings.planted, command, proposal) ?? propose(command, proposal);
      }
      case 'query':
        if (settings.planted !== 'staleReads') await applied.until(await log.barrier());
        return { kind: 'read', result: applied.state.read(request.query) };
      case 'status':
        return { kind: 'status', status: statusOf(log, applied) };
      case 'configure':
        Object.assign(settings, request.settings);
        return { kind: 'done' };
    }
  };
}

/** The wrong answer, when it is time for one. */
function proposeWrongly(
  log: RaftLog,
  planted: PlantedError,
  command: Uint8Array,
  proposal: ProposalId,
): Reply | undefined {
  const { clientId, sequence } = proposal;
  const isTime = sequence % plantedEvery === 0 && log.leadership().isLeader;
  const ignore = (): void => {};
  if (planted === 'doubleCommands' && isTime) {
    const again = { clientId: `${clientId}-again`, sequence };
    void wait(secondTimeDelayMs)
      .then(() => log.propose(command, again))
      .catch(ignore);
  }
  const isWrite = planted === 'earlyAnswers' && new TextDecoder().decode(command).includes('"write"');
  if (!isWrite || !log.leadership().isLeader) return undefined;
  void log.propose(command, proposal).catch(ignore);
  return { kind: 'applied', result: { kind: 'written' }, term: log.leadership().epoch };
}

function leaderOf(log: RaftLog): { leader?: string } {
  const { leader } = log.status();
  return leader === undefined ? {} : { leader };
}

function statusOf(log: RaftLog, applied: AppliedState): NodeStatus {
  const { role, term, snapshotIndex, commit, firstIndex, lastIndex, progress, ...rest } = log.status();
  const { appliedIndex, state } = applied;
  const followers = Object.fromEntries(progress);
  return {
    ...{ role, term, ...leaderOf(log), appliedIndex, snapshotIndex, stateHash: state.hash() },
    memoryBytes: process.memoryUsage.rss(),
    log: { commit, firstIndex, lastIndex, appliedIndex: rest.appliedIndex, followers },
  };
}
