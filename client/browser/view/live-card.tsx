import { formatBytes, formatCount, formatLoss, formatPercent, formatRate } from '../../web/format.ts';
import { sendingText } from '../codec-words.ts';
import type { Contribution } from '../contribution.ts';
import { LossCurve } from './loss-curve.tsx';

/** What this tab has done, and how the model learns meanwhile. Empty before the first start. */
export function LiveCard({ contribution }: { readonly contribution: Contribution }) {
  const status = contribution.status.value;
  if (status.phase === 'stopped' && status.unitsAccepted === 0) return null;
  const sending = sendingText(status);
  return (
    <section class="card stack" aria-labelledby="live-title">
      <h2 id="live-title">Your part</h2>
      <dl class="figures">
        <Figure name="Units accepted" value={formatCount(status.unitsAccepted)} />
        <Figure name="Samples per second" value={formatRate(status.samplesPerSecond)} />
        <Figure name="Sent" value={formatBytes(status.bytesSent)} />
        <Figure name="Received" value={formatBytes(status.bytesReceived)} />
      </dl>
      {sending === '' ? null : <p class="small muted">{sending}</p>}
      {status.unitsRefused === 0 ? null : (
        <p class="small muted">
          {formatCount(status.unitsRefused)} of your units came too late or did not fit, and were not counted.
        </p>
      )}
      <div class="stack tight">
        <h3>
          Training loss{' '}
          <span class="muted numeric">
            {status.loss === undefined ? null : formatLoss(status.loss)}
            {status.accuracy === undefined ? null : `, ${formatPercent(status.accuracy)} right`}
          </span>
        </h3>
        <LossCurve history={contribution.lossHistory.value} />
      </div>
    </section>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
