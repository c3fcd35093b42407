import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../../shared/base/limits.ts';
import { createHarness, fastTimers, type Harness, type HarnessOptions } from './support/harness.ts';

const a = 'http://a.test/';
const b = 'http://b.test/';
const c = 'http://c.test/';

let open: Harness | undefined;
afterEach(async () => {
  open?.compute.release();
  await open?.core.stop();
  open = undefined;
});

/** A worker that is given these addresses, and the leader at one of them. */
function start(urls: readonly string[], leaderUrl: string, options: HarnessOptions = {}): Harness {
  open = createHarness({ ...options, worker: { urls, ...options.worker } });
  open.coordinator.behaviour.leaderUrl = leaderUrl;
  open.coordinator.behaviour.coordinators = [a, b, c];
  open.core.start();
  return open;
}

/** Pauses between connections: with this chance, no other wait is as odd and of such a length. */
function watchPauses() {
  const pauses: number[] = [];
  const timers: typeof fastTimers = {
    nowMs: fastTimers.nowMs,
    after(delayMs, task) {
      const isPause = delayMs > limits.statusIntervalMs && delayMs <= limits.reconnectDelayMsMax;
      if (isPause && !Number.isInteger(delayMs)) pauses.push(delayMs);
      return fastTimers.after(delayMs, task);
    },
  };
  return { pauses, ports: { timers, chance: () => 0.999 } };
}

describe('a worker that meets a follower', () => {
  it('goes to the leader at once, and fetches its data there', async () => {
    const { coordinator, core, tried, fetched, until } = start([a, b, c], c);
    await until(() => coordinator.version >= 2);
    expect(tried).toEqual([a, c]);
    expect(new Set(fetched.map((url) => new URL(url).origin))).toEqual(new Set(['http://c.test']));
    expect(core.status()).toMatchObject({ coordinatorUrl: c, lastError: '' });
  });

  it('asks the next when no leader is known, and pauses when none knows', async () => {
    const { coordinator, tried, until } = start([a, b, c], '');
    await until(() => tried.length >= 7);
    expect(tried.slice(0, 7)).toEqual([a, b, c, a, b, c, a]);
    coordinator.changeLeader(b);
    await until(() => coordinator.version >= 1);
    expect(coordinator.registrations).toHaveLength(1);
  });

  it('does not run after a leader that is dead', async () => {
    const { coordinator, dead, tried, until } = start([a, b, c], a);
    await until(() => coordinator.version >= 1);
    tried.length = 0;
    dead.add(a);
    coordinator.drop();
    await until(() => tried.length >= 6);
    // b and c still name a, which is known to be gone; it is tried again after a pause.
    expect(tried.slice(0, 6)).toEqual([b, c, a, b, c, a]);
    coordinator.changeLeader(b);
    const { version } = coordinator;
    await until(() => coordinator.version > version);
  });
});

describe('a worker whose leader is gone', () => {
  it('goes on under the next one with its id, its model, its data and its parameters', async () => {
    const { coordinator, compute, core, dead, fetched, tried, until } = start([a], a);
    await until(() => coordinator.version >= 3);
    const { snapshots, registrations } = coordinator;
    const { length } = fetched;
    tried.length = 0;
    dead.add(a);
    coordinator.changeLeader(c);
    coordinator.drop();
    const { version } = coordinator;
    await until(() => coordinator.version >= version + 3);
    // The other addresses came with the registration.
    expect(tried).toEqual([b, c]);
    expect(registrations[1]?.previousWorkerId).toBe('worker-1');
    expect(core.status()).toMatchObject({ workerId: 'worker-1', coordinatorUrl: c });
    expect(compute.runners()).toBe(1);
    expect(coordinator.snapshots).toBe(snapshots);
    expect(fetched.length).toBe(length);
  });

  it('fetches the parameters at once when a version was committed between two connections', async () => {
    const { coordinator, dead, until } = start([a, b], a);
    await until(() => coordinator.version >= 2);
    coordinator.behaviour.withholdUpdates = true;
    const { snapshots, version } = coordinator;
    await until(() => coordinator.version > version);
    dead.add(a);
    coordinator.changeLeader(b);
    coordinator.drop();
    await until(() => coordinator.registrations.length === 2);
    coordinator.behaviour.withholdUpdates = false;
    await until(() => coordinator.version > version + 2);
    expect(coordinator.snapshots).toBeGreaterThan(snapshots);
  });

  it('drops what was computed under it', async () => {
    const { coordinator, compute, until } = start([a, b], a);
    await until(() => coordinator.version >= 1);
    compute.hold();
    await compute.entered();
    const { length } = coordinator.contributions;
    coordinator.changeLeader(b);
    await until(() => coordinator.sentAway > 0);
    compute.release();
    await until(() => coordinator.contributions.length > length);
    expect(coordinator.contributions[length]?.epoch).toBe(2);
  });

  it('hears of it by a heartbeat while it waits for work', async () => {
    const { coordinator, core, until } = start([a, b], a);
    coordinator.behaviour.pauseReason = 'the job is paused';
    await until(() => core.status().phase === 'waiting');
    coordinator.changeLeader(b);
    await until(() => core.status().coordinatorUrl === b);
    expect(coordinator.registrations).toHaveLength(2);
    coordinator.resume();
    await until(() => coordinator.version >= 1);
  });
});

describe('the pauses of a worker', () => {
  it('grow while coordinators only take it in and drop it, and begin anew after an accepted unit', async () => {
    const { pauses, ports } = watchPauses();
    const { coordinator, core, until } = start([a], a, { worker: { ports } });
    coordinator.behaviour.pauseReason = 'nothing to do';
    for (let count = 1; count <= 8; count++) {
      await until(() => coordinator.registrations.length === count);
      coordinator.drop();
    }
    expect(pauses.length).toBeGreaterThanOrEqual(7);
    expect([...pauses].sort((left, right) => left - right)).toEqual(pauses);
    expect(pauses.at(-1)).toBeGreaterThan(10_000);
    coordinator.resume();
    await until(() => core.status().unitsAccepted > 0);
    pauses.length = 0;
    coordinator.drop();
    await until(() => coordinator.registrations.length === 10);
    expect(Math.max(...pauses)).toBeLessThan(2 * limits.reconnectDelayMsMin);
  });
});

describe('a hostile redirect', () => {
  it.each([
    ['to another host', 'http://evil.test/', /http:\/\/evil\.test\/ as the leader, which is not followed/],
    [
      'to what is no address',
      'javascript:alert(1)',
      /"javascript:alert\(1\)" as the leader, which is no address/,
    ],
    ['to this machine', 'http://127.0.0.1:22/', /it is this machine, not that coordinator/],
  ])('%s is shown and gets no token', async (_, falseLeaderUrl, message) => {
    const harness = createHarness({ worker: { urls: [a] } });
    open = harness;
    Object.assign(harness.coordinator.behaviour, { leaderUrl: 'http://elsewhere.test/', falseLeaderUrl });
    harness.core.start();
    await harness.until(() => harness.tried.length >= 3 && message.test(harness.core.status().phaseText));
    expect(new Set(harness.tried)).toEqual(new Set([a]));
    expect([...harness.coordinator.tokens]).toEqual([[a, 'secret']]);
  });

  it('from TLS to plain HTTP is not followed', async () => {
    const harness = createHarness({ worker: { urls: ['https://a.test/'] } });
    open = harness;
    harness.coordinator.behaviour.leaderUrl = a;
    harness.core.start();
    await harness.until(() => /the token would leave unencrypted/.test(harness.core.status().lastError));
    expect(harness.coordinator.tokens.has(a)).toBe(false);
  });

  it('between two that TLS vouches for is followed', async () => {
    const harness = createHarness({ worker: { urls: ['https://a.test/'] } });
    open = harness;
    harness.coordinator.behaviour.leaderUrl = 'https://b.test/';
    harness.core.start();
    await harness.until(() => harness.coordinator.version >= 1);
  });

  it('from port to port is followed a few times, then paused', async () => {
    let port = 1;
    const { pauses, ports } = watchPauses();
    const harness = createHarness({ worker: { urls: ['http://a.test:1/'], ports } });
    open = harness;
    const { behaviour } = harness.coordinator;
    behaviour.leaderUrl = 'http://nowhere.test/';
    Object.defineProperty(behaviour, 'falseLeaderUrl', { get: () => `http://a.test:${++port}/` });
    harness.core.start();
    await harness.until(() => pauses.length > 0);
    expect(harness.tried.length).toBeLessThanOrEqual(limits.redirectsInRowMax + 2);
  });
});
