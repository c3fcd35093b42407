import { GradswarmError } from '../../shared/base/errors.ts';
import type { Link } from '../../shared/protocol/link.ts';

/**
 * Opens a browser WebSocket as a `Link`.
 * @throws GradswarmError `connectionLost` when it cannot be opened, or `signal` ends the attempt.
 */
export function openWebSocketLink(url: URL, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const abandon = (): void => socket.close();
    signal.addEventListener('abort', abandon, { once: true });
    socket.onopen = () => {
      signal.removeEventListener('abort', abandon);
      resolve(linkOf(socket));
    };
    // A browser tells a page nothing about why a socket failed; `close` follows every `error`.
    socket.onclose = () => {
      signal.removeEventListener('abort', abandon);
      reject(new GradswarmError('connectionLost', `no connection to ${url.host}`));
    };
  });
}

function linkOf(socket: WebSocket): Link {
  const link: Link = {
    send(bytes) {
      // The lib types of WebSocket exclude shared memory, which no frame is in.
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes as Uint8Array<ArrayBuffer>);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    close(code = 1000, reason = '') {
      socket.close(code, reason);
    },
    onMessage: undefined,
    onClose: undefined,
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) link.onMessage?.(new Uint8Array(data));
    else socket.close(4400, 'malformedFrame: a frame is binary');
  };
  socket.onclose = ({ code, reason }) => link.onClose?.(code, reason);
  return link;
}

/** `https://host/path/` and `admin-socket` make `wss://host/path/admin-socket`. */
export function webSocketUrl(page: string, name: string): URL {
  const url = new URL(name, page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  url.search = '';
  return url;
}
