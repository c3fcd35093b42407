/** One measured figure. `target` is absent where the figure is only reported. */
export interface Figure {
  readonly suite: string;
  readonly figure: string;
  /** Median of `runs`. */
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly kind: 'atLeast' | 'atMost'; readonly value: number };
  readonly runs: readonly number[];
  /** What the figure depends on: model, batch, back end, processes. */
  readonly conditions: string;
}

export type Report = (figure: Figure) => void;
export type Benchmark = (report: Report) => Promise<void>;
/** One benchmark, or several by name. */
export type Suite = Benchmark | Readonly<Record<string, Benchmark>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The least value that `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

export function isMet({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return target.kind === 'atLeast' ? value >= target.value : value <= target.value;
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function formatTarget({ target }: Figure): string {
  return target === undefined
    ? ''
    : `${target.kind === 'atLeast' ? '>=' : '<='} ${formatNumber(target.value)}`;
}

export function figureLine(figure: Figure): string {
  const met = isMet(figure);
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
  const cells = [
    figure.suite.padEnd(10),
    figure.figure.padEnd(58),
    `${formatNumber(figure.value)} ${figure.unit}`.padEnd(16),
    formatTarget(figure).padEnd(9),
    verdict.padEnd(7),
    `[${figure.runs.map(formatNumber).join(' ')}]`.padEnd(30),
    figure.conditions,
  ];
  return cells.join(' ').trimEnd();
}

export function figureObject(figure: Figure): Record<string, unknown> {
  return { ...figure, target: figure.target?.value, met: isMet(figure) };
}
