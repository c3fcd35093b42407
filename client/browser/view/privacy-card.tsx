import type { PeerConsent } from '../peer-consent.ts';
import { PeerChoice } from './peer-choice.tsx';

export function PrivacyCard({ consent }: { readonly consent: PeerConsent }) {
  return (
    <section class="card stack tight" aria-labelledby="privacy-title">
      <h2 id="privacy-title">What is sent, and what is not</h2>
      <p>
        Your browser fetches the training data and the model from this coordinator, and sends back how the
        model should change, the loss it measured, its speed and that of your connection, and the name of your
        graphics card or processor; as on every site, the coordinator sees your network address.
      </p>
      <p>
        This page cannot read your files, other tabs, camera or microphone, and nothing of yours is used for
        the training.
      </p>
      <PeerChoice consent={consent} />
    </section>
  );
}
