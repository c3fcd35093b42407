/** A STUN or TURN server, as the W3C's `RTCIceServer` has it: how members of a ring find a way to one another. */
export interface IceServer {
  readonly urls: readonly string[];
  /** Of TURN. */
  readonly username?: string;
  readonly credential?: string;
}

const pattern =
  /^(stuns?|turns?):(?:([^:@/?\s]+):([^:@/?\s]+)@)?((?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?)(\?transport=(?:udp|tcp))?$/i;
const portMax = 65_535;

/**
 * One server as text: `stun:HOST:PORT`, or `turn:USER:PASSWORD@HOST:PORT` with `?transport=tcp` where it needs that; in
 * user and password, what a URL cannot hold is written with `%`. Undefined when it is none.
 */
export function parseIceServer(text: string): IceServer | undefined {
  const [, scheme = '', user, password, host = '', port = '1', transport = ''] = pattern.exec(text) ?? [];
  const isTurn = scheme.toLowerCase().startsWith('turn');
  if (host === '' || Number(port) < 1 || Number(port) > portMax) return undefined;
  if (!isTurn) return user === undefined && transport === '' ? { urls: [text] } : undefined;
  if (user === undefined || password === undefined) return undefined;
  try {
    const [username, credential] = [decodeURIComponent(user), decodeURIComponent(password)];
    return { urls: [`${scheme}:${host}${transport}`], username, credential };
  } catch {
    return undefined;
  }
}
