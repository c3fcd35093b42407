import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { createTokenBucket, type TokenBucket } from '../../shared/protocol/token-bucket.ts';

export interface Admission {
  /**
   * Counts a new connection in; the returned function counts it out again.
   * @throws GradswarmError `unavailable` or `rateLimited`.
   */
  enter(address: string): () => void;
  readonly connections: number;
}

export interface AdmissionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly connectionsPerAddressPerMinuteMax: number;
}

interface AddressRecord {
  connections: number;
  readonly rate: TokenBucket;
  lastSeenMs: number;
}

const minuteMs = 60_000;

/** How many connections there may be, in all and from one address, and how fast they may come. */
export function createAdmission(
  nowMs: () => number = () => performance.now(),
  { connectionsMax, connectionsPerAddressMax, connectionsPerAddressPerMinuteMax }: AdmissionLimits = limits,
): Admission {
  const addresses = new Map<string, AddressRecord>();
  let connections = 0;
  let sweptMs = nowMs();

  const recordOf = (address: string, now: number): AddressRecord => {
    const rate = createTokenBucket(connectionsPerAddressPerMinuteMax / 60, connectionsPerAddressPerMinuteMax);
    const record = addresses.get(address) ?? { connections: 0, rate, lastSeenMs: now };
    record.lastSeenMs = now;
    addresses.set(address, record);
    return record;
  };

  /** An address without connections is forgotten once its bucket is full again. */
  const sweep = (now: number): void => {
    if (now - sweptMs < minuteMs) return;
    sweptMs = now;
    for (const [address, record] of addresses) {
      if (record.connections === 0 && now - record.lastSeenMs > minuteMs) addresses.delete(address);
    }
  };

  return {
    enter(address) {
      const now = nowMs();
      sweep(now);
      if (connections >= connectionsMax) {
        throw new GradswarmError('unavailable', 'the coordinator serves as many connections as it may');
      }
      const record = recordOf(networkOf(address), now);
      if (record.connections >= connectionsPerAddressMax || !record.rate.take(now)) {
        throw new GradswarmError('rateLimited', 'too many connections from this address; wait and try again');
      }
      connections += 1;
      record.connections += 1;
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        connections -= 1;
        record.connections -= 1;
      };
    },
    get connections() {
      return connections;
    },
  };
}

/** IPv4 addresses as they are; of IPv6 the /64, which is what one subscriber gets. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
