/** Figures as people read them. Everything unknown (not finite, negative where that makes no sense) is a dash. */
const unknown = '–';

const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, three significant digits: `950 B`, `1.23 MB`. */
export function formatBytes(bytes: number): string {
  if (!isAmount(bytes)) return unknown;
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1,000 of the smaller unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? wholeNumber.format(value) : threeDigits.format(value)} ${byteUnits[unit]}`;
}

export function formatCount(count: number): string {
  return isAmount(count) ? wholeNumber.format(count) : unknown;
}

/** Whole numbers from 100 on, three significant digits below: `1,234`, `56.7`, `0.05`. */
export function formatRate(perSecond: number): string {
  if (!isAmount(perSecond)) return unknown;
  return perSecond >= 99.95 ? wholeNumber.format(perSecond) : threeDigits.format(perSecond);
}

/** The two largest units that matter: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(durationMs: number): string {
  if (!isAmount(durationMs)) return unknown;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return joinUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return joinUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `0.9712` is `97.12 %`; `digits` are decimals of the percentage. Never rounds up to a full 100 %. */
export function formatPercent(fraction: number, digits = 1): string {
  if (!isAmount(fraction)) return unknown;
  const scale = 10 ** digits;
  // The small addend undoes the rounding error of the product, as in 0.29 * 100.
  const percent = Math.floor(fraction * 100 * scale + 1e-9) / scale;
  return `${percent.toFixed(digits)} %`;
}

export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return unknown;
  const size = Math.abs(loss);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return loss.toExponential(2);
  return loss.toFixed(size < 10 ? 4 : 2);
}

/** `1 unit`, `2 units`. */
export function formatPlural(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
