import { GradswarmError } from '../../../shared/base/errors.ts';
import type { CoordinatorState } from '../../core/coordinator-state.ts';
import type { CoordinatorId, EdgeShare, StoreRound } from '../../core/effect-values.ts';
import type { Event } from '../../core/events.ts';
import type { Peers } from '../peers.ts';
import type { PartialSum } from '../ports.ts';
import type { RelayHost } from './relay-host.ts';

export interface CollectSumsDependencies {
  readonly state: CoordinatorState;
  readonly host: Pick<RelayHost, 'sessionOf' | 'end'>;
  readonly peers: Pick<Peers, 'collectSum'>;
  post(event: Event): void;
}

/**
 * Fetches what the followers have summed of a round. Whoever does not give exactly what was counted there is lost: the core
 * hears of it, and hands the units out again. Undefined as well when the round was given up meanwhile.
 */
export function createCollectSums({ state, host, peers, post }: CollectSumsDependencies) {
  const isWanted = ({ jobId, edge }: StoreRound): boolean => {
    const round = state.runs.get(jobId)?.round;
    return round?.phase === 'storing' && round.serial === edge?.serial;
  };

  const collectFrom = async (
    { jobId }: StoreRound,
    serial: number,
    { coordinator, units, weight }: EdgeShare,
  ): Promise<PartialSum | CoordinatorId> => {
    const session = host.sessionOf(coordinator);
    if (session === undefined) return coordinator;
    try {
      const request = { epoch: session.epoch, session: session.session, jobId, serial, units, weight };
      const bytes = await peers.collectSum(coordinator, request, new AbortController().signal);
      return { weight, bytes };
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      return coordinator;
    }
  };

  return async (effect: StoreRound): Promise<readonly PartialSum[] | undefined> => {
    const { serial, shares } = effect.edge ?? { serial: 0, shares: [] };
    const answers = await Promise.all(shares.map((share) => collectFrom(effect, serial, share)));
    if (!isWanted(effect)) return undefined;
    const partials = answers.filter((answer) => typeof answer !== 'string');
    if (partials.length === answers.length) return partials;
    const coordinators = answers.filter((answer) => typeof answer === 'string');
    post({ kind: 'sumsMissing', jobId: effect.jobId, serial, coordinators });
    for (const coordinator of coordinators) host.end(coordinator);
    return undefined;
  };
}
