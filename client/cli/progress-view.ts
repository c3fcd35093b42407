import cliProgress from 'cli-progress';
import { formatCount, formatDuration, formatPercent } from './numbers.ts';
import type { Output } from './output.ts';

/** What a watcher of one job sees at a moment. */
export interface ProgressPoint {
  readonly job: string;
  readonly state: string;
  readonly round: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly samplesPerSecond: number;
  readonly workers: number;
  readonly fractionDone: number;
  readonly remainingMs: number;
}

export interface ProgressView {
  show(point: ProgressPoint): void;
  end(): void;
}

const plainIntervalMs = 5_000;

function sentence(point: ProgressPoint): string {
  const parts = [
    `round ${point.round}`,
    `loss ${Number.isFinite(point.loss) ? point.loss.toFixed(4) : '-'}`,
    `test accuracy ${formatPercent(point.accuracy)}`,
    `${formatCount(point.samplesPerSecond)} samples/s`,
    `${point.workers} ${point.workers === 1 ? 'worker' : 'workers'}`,
    `${formatDuration(point.remainingMs)} left`,
  ];
  return parts.join(' | ');
}

function createBar(): ProgressView {
  const bar = new cliProgress.SingleBar({
    format: '{job} [{bar}] {percentage} % | {sentence}',
    barsize: 20,
    hideCursor: true,
    clearOnComplete: false,
    forceRedraw: true,
    stream: process.stdout,
  });
  let isStarted = false;
  return {
    show(point) {
      const payload = { job: point.job, sentence: sentence(point) };
      if (!isStarted) bar.start(1_000, 0, payload);
      isStarted = true;
      bar.update(Math.round(1_000 * point.fractionDone), payload);
    },
    end() {
      if (isStarted) bar.stop();
    },
  };
}

/** A bar on a terminal, a line now and then elsewhere, objects under `--json`. */
export function createProgressView(output: Output): ProgressView {
  if (!output.isJson && process.stdout.isTTY) return createBar();
  let shownAtMs = Number.NEGATIVE_INFINITY;
  let lastRound = -1;
  return {
    show(point) {
      const isDue = performance.now() - shownAtMs >= (output.isJson ? 1_000 : plainIntervalMs);
      if (!isDue || point.round === lastRound) return;
      shownAtMs = performance.now();
      lastRound = point.round;
      output.object({ event: 'progress', ...point });
      output.text(`${point.job}: ${sentence(point)}`);
    },
    end() {},
  };
}
