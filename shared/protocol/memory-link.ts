import type { Link } from './link.ts';

class MemoryLink implements Link {
  onMessage: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((code: number, reason: string) => void) | undefined;
  bufferedBytes = 0;
  peer: MemoryLink | undefined;
  private open = true;
  private readonly schedule: (task: () => void) => void;

  constructor(schedule: (task: () => void) => void) {
    this.schedule = schedule;
  }

  send(bytes: Uint8Array): void {
    const { peer } = this;
    if (!this.open || !peer) return;
    const copy = bytes.slice();
    this.bufferedBytes += copy.length;
    this.schedule(() => {
      this.bufferedBytes -= copy.length;
      if (peer.open) peer.onMessage?.(copy);
    });
  }

  close(code = 1000, reason = ''): void {
    if (!this.open) return;
    this.open = false;
    const { peer } = this;
    this.schedule(() => {
      this.onClose?.(code, reason);
      peer?.closedByPeer(code, reason);
    });
  }

  private closedByPeer(code: number, reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.onClose?.(code, reason);
  }
}

/**
 * Two joined ends in memory. Messages are copied, as a socket would, and delivered in order by tasks given to
 * `schedule`, so that a simulator may decide when.
 */
export function createLinkPair(
  schedule: (task: () => void) => void = queueMicrotask,
): readonly [client: Link, server: Link] {
  const client = new MemoryLink(schedule);
  const server = new MemoryLink(schedule);
  client.peer = server;
  server.peer = client;
  return [client, server];
}
