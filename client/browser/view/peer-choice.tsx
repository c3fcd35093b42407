import type { PeerConsent } from '../peer-consent.ts';

/** Off until a person says otherwise; nothing where the browser cannot connect to others at all. */
export function PeerChoice({ consent }: { readonly consent: PeerConsent }) {
  if (!consent.isSupported) return null;
  return (
    <div class="choice">
      <input
        id="peer-choice"
        type="checkbox"
        checked={consent.isAllowed.value}
        aria-describedby="peer-choice-meaning"
        onChange={(event) => consent.set(event.currentTarget.checked)}
      />
      <div>
        <label for="peer-choice">Connect directly to other contributors</label>
        <p id="peer-choice-meaning" class="muted small">
          Some jobs add results up between devices, and direct connections spare the coordinator that traffic.
          They show your network address to the other contributors of the job, and theirs to you. Without them
          everything goes through the coordinator. You can change this at any time.
        </p>
      </div>
    </div>
  );
}
