import { forecastRound } from './forecast.ts';
import { evaluationSamples, type JobRecord } from './job-record.ts';

/** Why the job is done, in words; undefined while no bound of its stop rule is reached. */
export function stopReason(job: JobRecord, runningMs: number): string | undefined {
  const { rounds, accuracy, loss, durationMs } = job.document.stop;
  if (rounds !== undefined && job.version >= rounds) return `All ${rounds} rounds are done.`;
  if (durationMs !== undefined && runningMs >= durationMs) {
    return `The job ran for ${Math.round(durationMs / 1000)} seconds.`;
  }
  const reached = job.evaluation?.accuracy;
  if (accuracy !== undefined && reached !== undefined && reached >= accuracy) {
    return `Test accuracy ${percent(reached)} reached ${percent(accuracy)}.`;
  }
  const current = lossThatStops(job);
  if (loss !== undefined && current !== undefined && current <= loss) {
    return `Loss ${current.toPrecision(4)} reached ${loss}.`;
  }
  return undefined;
}

/** How far the job is by its stop rule, in [0, 1]: the bound that is closest decides. */
export function fractionDone(job: JobRecord, runningMs: number): number {
  if (job.state === 'finished') return 1;
  const { durationMs } = job.document.stop;
  const rounds = expectedRounds(job);
  const fractions = [
    rounds === undefined ? 0 : job.version / rounds,
    durationMs === undefined ? 0 : runningMs / durationMs,
  ];
  return Math.min(1, Math.max(...fractions));
}

/** Time until the first bound, at the pace of the newest rounds; negative when it cannot be told. */
export function remainingMs(job: JobRecord, runningMs: number): number {
  const { durationMs } = job.document.stop;
  const rounds = expectedRounds(job);
  const roundMs = meanRoundMs(job);
  const bounds: number[] = [];
  if (rounds !== undefined && roundMs !== undefined) bounds.push((rounds - job.version) * roundMs);
  if (durationMs !== undefined) bounds.push(durationMs - runningMs);
  return bounds.length === 0 ? -1 : Math.max(0, Math.min(...bounds));
}

/** Rounds after which the job will have ended: by its bound, or sooner where the accuracy is forecast to be reached. */
function expectedRounds({ document, history }: JobRecord): number | undefined {
  const { rounds, accuracy } = document.stop;
  const forecast =
    accuracy === undefined ? undefined : forecastRound(history, accuracy, document.evaluation.everyRounds);
  if (rounds === undefined || forecast === undefined) return rounds ?? forecast;
  return Math.min(rounds, forecast);
}

function meanRoundMs({ pace }: JobRecord): number | undefined {
  const [first, last] = [pace[0], pace.at(-1)];
  if (first === undefined || last === undefined || last.version === first.version) return undefined;
  return (last.runningMs - first.runningMs) / (last.version - first.version);
}

function lossThatStops(job: JobRecord): number | undefined {
  return evaluationSamples(job) > 0 ? job.evaluation?.loss : job.trainingLoss;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} %`;
}
