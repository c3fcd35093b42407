import { GradswarmError } from '../../../shared/base/errors.ts';
import type { JobId } from '../../../shared/base/ids.ts';
import type { CoordinatorState } from '../../core/coordinator-state.ts';
import type { CoordinatorId, EdgeShare, StoreRound } from '../../core/effect-values.ts';
import type { Event, RefusedSum } from '../../core/events.ts';
import type { Peers } from '../peers.ts';
import type { PartialSum, Trainer } from '../ports.ts';
import type { RelayHost } from './relay-host.ts';

interface Missing {
  readonly missing: CoordinatorId;
  readonly refused?: RefusedSum;
}

export interface CollectSumsDependencies {
  readonly state: CoordinatorState;
  readonly host: Pick<RelayHost, 'sessionOf' | 'end'>;
  readonly peers: Pick<Peers, 'collectSum'>;
  readonly trainer: Pick<Trainer, 'checkSum'>;
  post(event: Event): void;
}

/**
 * Fetches what the followers have summed of a round. Whoever does not give exactly what was counted there, or gives what is
 * no sum, is lost: the core hears of it, and hands the units out again. Undefined as well when the round was given up
 * meanwhile.
 */
export function createCollectSums({ state, host, peers, trainer, post }: CollectSumsDependencies) {
  const isWanted = ({ jobId, edge }: StoreRound): boolean => {
    const round = state.runs.get(jobId)?.round;
    return round?.phase === 'storing' && round.serial === edge?.serial;
  };

  /** A sum that is damaged would be found in the midst of the others when the round is stored. */
  const check = async (
    jobId: JobId,
    coordinator: CoordinatorId,
    sum: PartialSum,
  ): Promise<PartialSum | Missing> => {
    const normMax = state.replicated.jobs.get(jobId)?.document.updateNormMax ?? Number.POSITIVE_INFINITY;
    const outcome = await trainer.checkSum({ jobId, sum, normMax });
    if (outcome.accepted) return sum;
    const { code, message } = outcome;
    return { missing: coordinator, refused: { coordinator, code, message } };
  };

  const collectFrom = async (
    { jobId }: StoreRound,
    serial: number,
    { coordinator, units, weight }: EdgeShare,
  ): Promise<PartialSum | Missing> => {
    const session = host.sessionOf(coordinator);
    if (session === undefined) return { missing: coordinator };
    try {
      const request = { epoch: session.epoch, session: session.session, jobId, serial, units, weight };
      const bytes = await peers.collectSum(coordinator, request, new AbortController().signal);
      return await check(jobId, coordinator, { weight, bytes });
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      return { missing: coordinator };
    }
  };

  return async (effect: StoreRound): Promise<readonly PartialSum[] | undefined> => {
    const { serial, shares } = effect.edge ?? { serial: 0, shares: [] };
    const answers = await Promise.all(shares.map((share) => collectFrom(effect, serial, share)));
    if (!isWanted(effect)) return undefined;
    const missing = answers.filter((answer) => 'missing' in answer);
    if (missing.length === 0) return answers.filter((answer) => 'bytes' in answer);
    const coordinators = missing.map((answer) => answer.missing);
    const refused = missing.flatMap((answer) => answer.refused ?? []);
    const why = refused.length === 0 ? {} : { refused };
    post({ kind: 'sumsMissing', jobId: effect.jobId, serial, coordinators, ...why });
    for (const coordinator of coordinators) host.end(coordinator);
    return undefined;
  };
}
