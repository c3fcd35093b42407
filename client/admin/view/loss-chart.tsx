import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { chartOptions, readChartColours } from '../chart-options.ts';
import type { CurvePoint } from '../history.ts';

interface LossChartProps {
  readonly curve: readonly CurvePoint[];
  /** Index of the point under the pointer. */
  readonly hovered: Signal<number | undefined>;
  /** The curve in words. */
  readonly words: string;
}

export function LossChart({ curve, hovered, words }: LossChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = alignedData(curve);

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const build = (): void => {
      chart.current?.destroy();
      const options = chartOptions(readChartColours(element), element.clientWidth, (index) => {
        hovered.value = index;
      });
      chart.current = new uPlot(options, data.current, element);
    };
    build();
    const darkness = matchMedia('(prefers-color-scheme: dark)');
    darkness.addEventListener('change', build);
    const observer = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && chart.current) chart.current.setSize({ width, height: chart.current.height });
    });
    observer.observe(element);
    return () => {
      darkness.removeEventListener('change', build);
      observer.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [hovered]);

  useEffect(() => {
    chart.current?.setData(data.current);
  }, [curve]);

  return <div class="chart" ref={host} role="img" aria-label={words} />;
}

function alignedData(curve: readonly CurvePoint[]): uPlot.AlignedData {
  return [
    curve.map(({ round }) => round),
    curve.map(({ trainingLoss }) => trainingLoss ?? null),
    curve.map(({ testLoss }) => testLoss ?? null),
    curve.map(({ testAccuracy }) => testAccuracy ?? null),
  ];
}
