import type uPlot from 'uplot';
import { formatCount } from '../web/format.ts';

export interface ChartColours {
  readonly training: string;
  readonly test: string;
  readonly accuracy: string;
  readonly text: string;
  readonly grid: string;
}

const height = 300;

/** A canvas knows no custom properties, so the colours are read as they are computed in the present colour scheme. */
export function readChartColours(element: HTMLElement): ChartColours {
  const probe = document.createElement('span');
  element.append(probe);
  const read = (property: string): string => {
    probe.style.color = `var(${property})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    training: read('--chart-training'),
    test: read('--chart-test'),
    accuracy: read('--chart-accuracy'),
    text: read('--text-muted'),
    grid: read('--line'),
  };
  probe.remove();
  return colours;
}

/** Losses on the left axis, accuracy from 0 to 100 % on the right one. */
export function chartOptions(
  colours: ChartColours,
  width: number,
  onHover: (index: number | undefined) => void,
): uPlot.Options {
  const axis = { stroke: colours.text, font: '12px system-ui, sans-serif' };
  const grid = { stroke: colours.grid, width: 1 };
  return {
    width,
    height,
    padding: [12, 4, 0, 4],
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false } },
    scales: {
      x: { time: false },
      loss: { range: (_chart, low, high) => lossRange(low, high) },
      accuracy: { range: [0, 1] },
    },
    axes: [
      {
        ...axis,
        size: 36,
        grid: { show: false },
        ticks: grid,
        values: (_chart, splits) => splits.map(roundLabel),
      },
      { ...axis, scale: 'loss', grid, ticks: { show: false }, size: 48 },
      {
        ...axis,
        scale: 'accuracy',
        side: 1,
        grid: { show: false },
        ticks: { show: false },
        size: 48,
        values: (_chart, splits) => splits.map((fraction) => `${Math.round(fraction * 100)} %`),
      },
    ],
    series: [
      {},
      { scale: 'loss', stroke: colours.training, width: 1.5, points: { show: false } },
      measured('loss', colours.test, []),
      measured('accuracy', colours.accuracy, [6, 4]),
    ],
    hooks: { setCursor: [(chart) => onHover(chart.cursor.idx ?? undefined)] },
  };
}

/** Test figures stand some rounds apart: a line through their points. */
function measured(scale: string, stroke: string, dash: number[]): uPlot.Series {
  return { scale, stroke, dash, width: 2, spanGaps: true, points: { show: true, size: 5, fill: stroke } };
}

/** From zero, unless a loss is negative; a flat curve still gets some height. */
export function lossRange(low: number | null, high: number | null): [number, number] {
  const bottom = Math.min(0, low ?? 0);
  const top = high ?? 1;
  return [bottom, top > bottom ? top + (top - bottom) * 0.05 : bottom + 1];
}

function roundLabel(round: number): string {
  return Number.isInteger(round) ? formatCount(round) : '';
}
