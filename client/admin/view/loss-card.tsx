import { useSignal } from '@preact/signals';
import { formatCount, formatLoss, formatPercent } from '../../web/format.ts';
import { ScrollRegion } from '../../web/scroll-region.tsx';
import { type CurvePoint, lastEvaluation } from '../history.ts';
import { LossChart } from './loss-chart.tsx';

const tableRowsMax = 50;

interface LossCardProps {
  readonly curve: readonly CurvePoint[];
  readonly title: string;
}

/** The curve, its legend with the figures under the pointer (else the latest), and the same as a table. */
export function LossCard({ curve, title }: LossCardProps) {
  const hovered = useSignal<number | undefined>(undefined);
  const last = curve.at(-1);
  if (last === undefined) {
    return (
      <section class="card stack" aria-labelledby="curve-title">
        <h2 id="curve-title">Loss and accuracy</h2>
        <p class="muted">The curve begins with the first committed round.</p>
      </section>
    );
  }
  const shown = hovered.value === undefined ? undefined : curve[hovered.value];
  const evaluation = lastEvaluation(curve);
  const trainingLoss = shown === undefined ? last.trainingLoss : shown.trainingLoss;
  const test = shown ?? evaluation;
  return (
    <section class="card stack" aria-labelledby="curve-title">
      <h2 id="curve-title">Loss and accuracy</h2>
      <ul class="row small numeric legend">
        <li>Round {formatCount((shown ?? last).round)}</li>
        <li>
          <span class="swatch training" /> Training loss {formatLoss(trainingLoss ?? Number.NaN)}
        </li>
        <li>
          <span class="swatch test" /> Test loss {formatLoss(test?.testLoss ?? Number.NaN)}
        </li>
        <li>
          <span class="swatch accuracy" /> Test accuracy {formatPercent(test?.testAccuracy ?? Number.NaN)}
        </li>
      </ul>
      <LossChart curve={curve} hovered={hovered} words={chartWords(title, curve)} />
      <details>
        <summary>The last rounds as a table</summary>
        <CurveTable curve={curve.slice(-tableRowsMax).reverse()} />
      </details>
    </section>
  );
}

function chartWords(title: string, curve: readonly CurvePoint[]): string {
  const [first, last, test] = [curve[0], curve.at(-1), lastEvaluation(curve)];
  const training = `Training loss of ${title} from ${formatLoss(first?.trainingLoss ?? Number.NaN)} in round ${formatCount(first?.round ?? 0)} to ${formatLoss(last?.trainingLoss ?? Number.NaN)} in round ${formatCount(last?.round ?? 0)}`;
  if (test === undefined) return training;
  return `${training}; test loss ${formatLoss(test.testLoss ?? Number.NaN)}, test accuracy ${formatPercent(test.testAccuracy ?? Number.NaN)}`;
}

function CurveTable({ curve }: { readonly curve: readonly CurvePoint[] }) {
  return (
    <ScrollRegion class="table-scroll" label="The last rounds">
      <table>
        <thead>
          <tr>
            <th scope="col">Round</th>
            <th scope="col" class="numeric">
              Training loss
            </th>
            <th scope="col" class="numeric">
              Test loss
            </th>
            <th scope="col" class="numeric">
              Test accuracy
            </th>
          </tr>
        </thead>
        <tbody>
          {curve.map((point) => (
            <tr key={point.round}>
              <th scope="row">{formatCount(point.round)}</th>
              <td class="numeric">{formatLoss(point.trainingLoss ?? Number.NaN)}</td>
              <td class="numeric">{formatLoss(point.testLoss ?? Number.NaN)}</td>
              <td class="numeric">{formatPercent(point.testAccuracy ?? Number.NaN)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
