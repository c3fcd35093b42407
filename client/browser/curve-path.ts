import type { LossPoint } from './loss-history.ts';

export interface CurvePath {
  /** SVG path of the curve, and of the area under it, in a box of the given size. */
  readonly line: string;
  readonly area: string;
  readonly lowest: number;
  readonly highest: number;
}

/** The curve in the box, with room for the stroke above and below. Points are sorted by round. */
export function curvePath(points: readonly LossPoint[], width: number, height: number): CurvePath {
  const losses = points.map(({ loss }) => loss);
  const lowest = Math.min(...losses);
  const highest = Math.max(...losses);
  const firstRound = points[0]?.round ?? 0;
  const rounds = Math.max(1, (points.at(-1)?.round ?? 0) - firstRound);
  const margin = height * 0.04;
  const range = highest - lowest || 1;
  const line = points
    .map(({ round, loss }, index) => {
      const x = ((round - firstRound) / rounds) * width;
      const y = height - margin - ((loss - lowest) / range) * (height - 2 * margin);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
  return { line, area: `${line}V${height}H0Z`, lowest, highest };
}
