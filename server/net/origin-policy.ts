import { isCoordinatorOrigin } from '../../shared/protocol/coordinator-url.ts';

/** Whether a browser page of this origin may open a WebSocket here. */
export type OriginPolicy = (origin: string | undefined, host: string | undefined) => boolean;

export interface OriginPolicyOptions {
  /** Origins besides our own, such as `https://train.example.org` behind a proxy. */
  readonly allowed: readonly string[];
  /** Only this machine can connect: then only its own names are ours, which defeats DNS rebinding. */
  readonly loopbackOnly: boolean;
  /** Base addresses of all coordinators of the cluster now: their pages follow the leader, which may be this one. */
  readonly coordinatorUrls?: () => readonly string[];
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Browsers name the page that opens a WebSocket, and let any page open one: a foreign page is refused. Programs send no
 * Origin and are judged by their token alone.
 */
export function createOriginPolicy(options: OriginPolicyOptions): OriginPolicy {
  const { allowed, loopbackOnly, coordinatorUrls = () => [] } = options;
  const allowedOrigins = new Set(allowed.map((origin) => new URL(origin).origin));
  return (origin, host) => {
    if (origin === undefined) return true;
    if (!URL.canParse(origin)) return false;
    const page = new URL(origin);
    if (allowedOrigins.has(page.origin) || isCoordinatorOrigin(origin, coordinatorUrls())) return true;
    if (page.protocol !== 'http:' && page.protocol !== 'https:') return false;
    return page.host === host?.toLowerCase() && (!loopbackOnly || loopbackNames.has(page.hostname));
  };
}
