import type { Link } from '../../../shared/protocol/link.ts';

export interface ByteCounts {
  sent: number;
  received: number;
}

/** Adds what passes over `link` to `counts`, and tells of every change. */
export function countBytes(link: Link, counts: ByteCounts, onCount: () => void): Link {
  const counted: Link = {
    send(bytes) {
      counts.sent += bytes.length;
      onCount();
      link.send(bytes);
    },
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    close: (code, reason) => link.close(code, reason),
    onMessage: undefined,
    onClose: undefined,
  };
  link.onMessage = (bytes) => {
    counts.received += bytes.length;
    onCount();
    counted.onMessage?.(bytes);
  };
  link.onClose = (code, reason) => counted.onClose?.(code, reason);
  return counted;
}
