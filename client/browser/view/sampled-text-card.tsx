import { ScrollRegion } from '../../web/scroll-region.tsx';
import type { Contribution } from '../contribution.ts';

/** Text that a language model writes as it learns. Not a live region: it changes often and nobody must hear all of it. */
export function SampledTextCard({ contribution }: { readonly contribution: Contribution }) {
  const { sampledText } = contribution.status.value;
  if (sampledText === '') return null;
  return (
    <section class="card stack" aria-labelledby="sample-title">
      <h2 id="sample-title">What the model writes now</h2>
      <ScrollRegion class="sample" label="Sampled text">
        <blockquote>{sampledText}</blockquote>
      </ScrollRegion>
      <p class="small muted">
        Drawn on your device as the model learns. It is not meant to be true, only to become readable.
      </p>
    </section>
  );
}
