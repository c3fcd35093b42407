import type { Inbox } from './inbox.ts';
import type { RingSignalling } from './ring-channel.ts';

/** What another member of the ring said. */
export interface ReceivedSignal {
  readonly from: string;
  readonly text: string;
}

/** Signals that are sent by `send`, and come by `inbox`. */
export function signallingOver(inbox: Inbox<ReceivedSignal>, send: RingSignalling['send']): RingSignalling {
  let onSignal: RingSignalling['onSignal'];
  return {
    send,
    get onSignal() {
      return onSignal;
    },
    set onSignal(listener) {
      onSignal = listener;
      inbox.listener = listener && (({ from, text }) => listener(from, text));
    },
  };
}
