import { WebSocket } from 'ws';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Link } from '../../shared/protocol/link.ts';
import type { TlsTrust } from './tls-trust.ts';

const untrustedCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * Opens a WebSocket as a `Link`. Gradients hardly shrink under deflate, so it is off.
 * @throws GradswarmError `unavailable` when it cannot be opened, `cancelled` by the signal.
 */
export function openWebSocketLink(url: string, signal?: AbortSignal, trust: TlsTrust = {}): Promise<Link> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new GradswarmError('cancelled', `The connection to ${url} was given up.`));
      return;
    }
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: limits.frameBytesMax,
      handshakeTimeout: limits.handshakeTimeoutMs,
      // The types of `ws` do not know what `tls.connect` takes.
      ...(trust as object),
    });
    const abandon = (): void => socket.terminate();
    signal?.addEventListener('abort', abandon, { once: true });
    const onFailure = (error: Error): void => {
      signal?.removeEventListener('abort', abandon);
      reject(
        signal?.aborted
          ? new GradswarmError('cancelled', `The connection to ${url} was given up.`)
          : new GradswarmError('unavailable', `No connection to ${url}: ${reasonOf(error)}`),
      );
    };
    socket.once('error', onFailure);
    socket.once('open', () => {
      signal?.removeEventListener('abort', abandon);
      socket.off('error', onFailure);
      resolve(linkOf(socket));
    });
  });
}

/** Why there is no connection, with the remedy where the error's own words hide it. */
function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (code === 'ECONNREFUSED') return 'nothing listens there; is the coordinator running?';
  if (code === 'EPROTO') return 'no TLS is spoken there; use http:// in the address';
  if (untrustedCodes.has(code)) {
    return `its certificate is not trusted (${code}); pass the certificate's PEM file with --ca`;
  }
  return message || code || 'refused';
}

/** `https://host/path/` and `worker-socket` make `wss://host/path/worker-socket`. */
export function webSocketUrl(base: string, name: string): string {
  const url = new URL(name, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

function linkOf(socket: WebSocket): Link {
  const link: Link = {
    send(bytes) {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
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
  socket.on('message', (data, isBinary) => {
    if (isBinary && data instanceof Uint8Array) link.onMessage?.(data);
    else socket.close(4400, 'malformedFrame: a frame is binary');
  });
  // `close` follows; its code says as much as a link needs.
  socket.on('error', () => {});
  socket.on('close', (code, reason) => link.onClose?.(code, reason.toString('utf8')));
  return link;
}
