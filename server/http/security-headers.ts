import type { IncomingMessage } from 'node:http';
import type { FastifyHelmetOptions } from '@fastify/helmet';
import { coordinatorUrl } from '../../shared/protocol/coordinator-url.ts';

const hostPattern = /^[a-z0-9.:[\]-]+$/i;

/** Browsers differ on whether `'self'` covers WebSockets of the same host; naming them is safe. */
function webSocketSource(request: IncomingMessage): string {
  const host = request.headers.host ?? '';
  if (!hostPattern.test(host)) return "'self'";
  return 'encrypted' in request.socket ? `wss://${host}` : `ws://${host} wss://${host}`;
}

/** Pages follow the leader, which any coordinator may be: they may ask each, over HTTP and by WebSocket. */
function coordinatorSources(urls: readonly string[]): string {
  const origins = urls.filter((url) => coordinatorUrl(url) !== undefined).map((url) => new URL(url).origin);
  return [...new Set(origins)].map((origin) => `${origin} ${origin.replace(/^http/, 'ws')}`).join(' ');
}

/**
 * Nothing but our own files: no inline script or style, no frames, no hosts besides the coordinators. TensorFlow.js
 * compiles WebAssembly, and cross-origin isolation gives it threads.
 */
export const createSecurityHeaders = (coordinatorUrls: () => readonly string[]): FastifyHelmetOptions => ({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
      workerSrc: ["'self'"],
      connectSrc: [
        "'self'",
        (request) => `${webSocketSource(request)} ${coordinatorSources(coordinatorUrls())}`.trim(),
      ],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  crossOriginEmbedderPolicy: { policy: 'require-corp' },
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
  // A self-signed certificate could never be replaced by plain HTTP again.
  strictTransportSecurity: false,
});

export const permissionsPolicy =
  'camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=(), display-capture=()';
