import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { networkOf } from '../../shared/base/network-of.ts';
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
