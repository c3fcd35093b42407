export interface HostPort {
  /** Without the brackets that an IPv6 address has in `[::1]:7077`. */
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)):(\d{1,5})$/;

/** Reads `host:port`, `1.2.3.4:port` and `[IPv6]:port`; undefined when the text is none of them. */
export function parseHostPort(text: string): HostPort | undefined {
  const [, ipv6, name, digits] = pattern.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
