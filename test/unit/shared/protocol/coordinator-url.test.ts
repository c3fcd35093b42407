import { expect, test } from 'vitest';
import { coordinatorUrl, hostOf, isCoordinatorOrigin } from '../../../../shared/protocol/coordinator-url.ts';

test.each<[string, string | undefined]>([
  ['http://a.test', 'http://a.test/'],
  ['https://A.test:7077/grid', 'https://a.test:7077/grid/'],
  ['http://127.0.0.1:80/', 'http://127.0.0.1/'],
  ['ws://a.test', undefined],
  ['javascript:alert(1)', undefined],
  ['http://user@a.test', undefined],
  ['http://user:secret@a.test', undefined],
  ['http://a.test/?token=x', undefined],
  ['http://a.test/#x', undefined],
  ['a.test:7077', undefined],
  ['', undefined],
])('the base address %s', (text, expected) => {
  expect(coordinatorUrl(text)).toBe(expected);
});

test('loopback has many names', () => {
  const names = ['http://localhost:1/', 'http://127.0.0.1:2/', 'http://[::1]:3/'];
  expect(new Set(names.map(hostOf)).size).toBe(1);
  expect(hostOf('http://127.0.0.1.evil.test/')).toBe('127.0.0.1.evil.test');
});

test.each([
  ['https://a.test:7077', true],
  ['https://a.test:7078', false],
  ['http://a.test:7077', false],
  ['http://localhost:7071', true],
  ['http://localhost:7072', false],
  ['https://b.test', true],
  ['null', false],
  ['https://evil.test', false],
])('pages of %s: %s', (origin, expected) => {
  const urls = ['https://a.test:7077/', 'http://127.0.0.1:7071/', 'https://b.test/grid/'];
  expect(isCoordinatorOrigin(origin, urls)).toBe(expected);
});
