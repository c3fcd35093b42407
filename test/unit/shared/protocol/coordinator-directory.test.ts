import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { createCoordinatorDirectory } from '../../../../shared/protocol/coordinator-directory.ts';

const a = 'http://a.test/';
const b = 'http://b.test/';
const c = 'http://c.test/';
const at = (url: string, pauseFirst = false) => ({ url, pauseFirst });

describe('the directory', () => {
  it('tries every address once, and asks for a pause before it begins anew', () => {
    const directory = createCoordinatorDirectory([a, b, c]);
    for (const pauseFirst of [false, true, true]) {
      for (const url of [a, b, c]) {
        expect(directory.next()).toEqual(at(url, pauseFirst && url === a));
        directory.failed(url);
      }
    }
  });

  it('goes to the leader that was named, even past others', () => {
    const directory = createCoordinatorDirectory([a, b, c]);
    expect(directory.next()).toEqual(at(a));
    expect(directory.redirected(a, c)).toBeUndefined();
    expect(directory.next()).toEqual(at(c));
  });

  it('goes to no leader that has just failed before all others were asked', () => {
    const directory = createCoordinatorDirectory([a, b, c]);
    directory.next();
    directory.failed(a);
    expect(directory.next()).toEqual(at(b));
    directory.redirected(b, a);
    expect(directory.next()).toEqual(at(c));
    directory.redirected(c, a);
    expect(directory.next()).toEqual(at(a, true));
  });

  it('begins with the one after the one that is lost, and with the lost one after a pause', () => {
    const directory = createCoordinatorDirectory([a, b]);
    directory.next();
    directory.accepted(a, [a, b]);
    directory.settled();
    directory.failed(a);
    expect(directory.next()).toEqual(at(b));
    directory.accepted(b, [a, b]);
    directory.settled();
    directory.failed(b);
    expect(directory.next()).toEqual(at(a));
  });

  it('asks for a pause before the only coordinator is asked again', () => {
    const directory = createCoordinatorDirectory([a]);
    directory.next();
    directory.accepted(a, []);
    directory.settled();
    directory.failed(a);
    expect(directory.next()).toEqual(at(a, true));
  });

  it('keeps what a person gave, and of the rest what was named last', () => {
    const directory = createCoordinatorDirectory([a]);
    directory.accepted(a, [a, b]);
    expect(directory.urls).toEqual([a, b]);
    directory.accepted(b, ['http://c.test', 'nonsense', 'ftp://d.test/']);
    expect(directory.urls).toEqual([a, c]);
  });

  it('keeps so many and no more', () => {
    const directory = createCoordinatorDirectory([a]);
    directory.accepted(
      a,
      Array.from({ length: 1_000 }, (_, index) => `http://a.test:${index + 1}/`),
    );
    expect(directory.urls).toHaveLength(limits.coordinatorsMax);
    expect(directory.urls[0]).toBe(a);
  });

  it('knows one coordinator of this machine under many names', () => {
    const directory = createCoordinatorDirectory(['http://localhost:7077/']);
    directory.accepted('http://localhost:7077/', ['http://127.0.0.1:7077/', 'http://127.0.0.1:7078/']);
    expect(directory.urls).toEqual(['http://localhost:7077/', 'http://127.0.0.1:7078/']);
  });

  it('takes no worse address from a list than from a refusal', () => {
    const directory = createCoordinatorDirectory(['https://a.test/']);
    directory.accepted('https://a.test/', [b, 'https://127.0.0.1/', 'https://b.test/']);
    expect(directory.urls).toEqual(['https://a.test/', 'https://b.test/']);
  });
});

test.each<[string, string, string | undefined]>([
  [a, c, undefined],
  [a, 'http://named.test/', undefined],
  [a, 'http://a.test:7078/', undefined],
  ['http://localhost:7077/', 'http://127.0.0.1:7078/', undefined],
  ['https://a.test/', 'https://elsewhere.test/', undefined],
  [a, 'http://elsewhere.test/', 'plain HTTP proves nothing'],
  [a, 'https://elsewhere.test/', 'plain HTTP proves nothing'],
  ['https://a.test/', 'http://a.test/secret', 'unencrypted'],
  ['https://a.test/', 'http://elsewhere.test/', 'unencrypted'],
  [a, 'http://localhost:22/', 'this machine'],
  ['https://a.test/', 'https://[::1]/', 'this machine'],
  [a, 'http://user:password@a.test/', 'no address'],
  [a, 'file:///etc/passwd', 'no address'],
])('from %s to %s: %s', (from, to, doubt) => {
  const directory = createCoordinatorDirectory([a, 'https://a.test/', 'http://localhost:7077/', c]);
  directory.accepted(a, ['http://named.test/']);
  const told = directory.redirected(from, to);
  if (doubt === undefined) expect(told).toBeUndefined();
  else expect(told).toContain(doubt);
  const { url } = directory.next();
  expect(url === to).toBe(doubt === undefined);
});

const hosts = ['a.test', 'b.test', 'evil.test', '127.0.0.1', '10.0.0.1'];
const anyUrl = fc
  .tuple(fc.constantFrom('http', 'https'), fc.constantFrom(...hosts), fc.nat(40))
  .map(([scheme, host, port]) => `${scheme}://${host}:${port + 1000}/`);
const anyEvent = fc.oneof(
  fc.record({ kind: fc.constant('failed' as const) }),
  fc.record({ kind: fc.constant('redirected' as const), to: fc.option(anyUrl, { nil: undefined }) }),
  fc.record({ kind: fc.constant('accepted' as const), urls: fc.array(anyUrl, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('settled' as const) }),
);

test('whatever coordinators say: tries between two pauses are bounded, and none goes astray', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyUrl, { minLength: 1, maxLength: 4 }),
      fc.array(anyEvent, { maxLength: 120 }),
      (given, events) => {
        const directory = createCoordinatorDirectory(given);
        const isSecure = given.every((url) => url.startsWith('https:'));
        let tries = 0;
        for (const event of events) {
          const { url, pauseFirst } = directory.next();
          tries = pauseFirst ? 1 : tries + 1;
          expect(tries).toBeLessThanOrEqual(limits.coordinatorsMax + limits.redirectsInRowMax);
          expect(directory.urls.length).toBeLessThanOrEqual(limits.coordinatorsMax);
          expect(directory.urls.slice(0, given.length)).toEqual(given);
          // Where every address that a person gave is secure, no token ever leaves unencrypted.
          if (isSecure) expect(url).toMatch(/^https:/);
          if (event.kind === 'redirected') directory.redirected(url, event.to);
          else directory.failed(url);
          if (event.kind === 'accepted') {
            directory.accepted(url, event.urls);
            tries = 0;
          }
          if (event.kind === 'settled') {
            directory.settled();
            tries = 0;
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
