import { formatCount, formatLoss } from '../../web/format.ts';
import { curvePath } from '../curve-path.ts';
import type { LossHistory } from '../loss-history.ts';

const width = 600;
const height = 140;

/** A small curve; its figures are in the text alternative and under the axis. */
export function LossCurve({ history }: { readonly history: LossHistory }) {
  const first = history.points[0];
  const last = history.points.at(-1);
  if (first === undefined || last === undefined || history.points.length < 2) {
    return <p class="muted small curve-empty">The curve appears after two rounds.</p>;
  }
  const { line, area, lowest, highest } = curvePath(history.points, width, height);
  const words = `Training loss from ${formatLoss(first.loss)} in round ${formatCount(first.round)} to ${formatLoss(last.loss)} in round ${formatCount(last.round)}`;
  return (
    <figure class="curve">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <path class="curve-area" d={area} />
        <path class="curve-line" d={line} vector-effect="non-scaling-stroke" />
      </svg>
      <div class="curve-axis numeric small muted" aria-hidden="true">
        <span>{formatLoss(highest)}</span>
        <span>{formatLoss(lowest)}</span>
      </div>
      <figcaption class="row spread small muted numeric" aria-hidden="true">
        <span>round {formatCount(first.round)}</span>
        <span>round {formatCount(last.round)}</span>
      </figcaption>
    </figure>
  );
}
