import { type ReadonlySignal, signal } from '@preact/signals';

/**
 * Whether this browser may connect to those of other contributors, who then see its network address: never before a
 * person has said so here, and remembered until the same person takes it back.
 */
export interface PeerConsent {
  /** False where the browser has no WebRTC: there is nothing to allow. */
  readonly isSupported: boolean;
  readonly isAllowed: ReadonlySignal<boolean>;
  set(isAllowed: boolean): void;
}

/** Of what a page can keep, the little that is used; it throws where a person has forbidden it. */
type Memory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const key = 'gradswarm.peer-connections';
const allowed = 'allowed';

export function createPeerConsent(isSupported: boolean, memory: () => Memory): PeerConsent {
  const isAllowed = signal(isSupported && recall(memory));
  return {
    isSupported,
    isAllowed,
    set(next) {
      isAllowed.value = isSupported && next;
      try {
        if (isAllowed.value) memory().setItem(key, allowed);
        else memory().removeItem(key);
      } catch {
        // It then holds for this visit alone.
      }
    },
  };
}

function recall(memory: () => Memory): boolean {
  try {
    return memory().getItem(key) === allowed;
  } catch {
    return false;
  }
}
