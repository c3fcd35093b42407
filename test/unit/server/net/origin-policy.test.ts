import { expect, test } from 'vitest';
import { createOriginPolicy } from '../../../../server/net/origin-policy.ts';

const loopback = createOriginPolicy({
  allowed: ['https://train.example.org'],
  loopbackOnly: true,
  coordinatorUrls: () => ['http://127.0.0.1:7078/'],
});
const network = createOriginPolicy({
  allowed: [],
  loopbackOnly: false,
  coordinatorUrls: () => ['https://b.example.org:7077/'],
});

test.each<[string, string | undefined, string | undefined, boolean, boolean]>([
  ['a program', undefined, '127.0.0.1:7077', true, true],
  ['our page by address', 'http://127.0.0.1:7077', '127.0.0.1:7077', true, true],
  ['our page by name', 'http://localhost:7077', 'localhost:7077', true, true],
  ['our page over IPv6', 'https://[::1]:7077', '[::1]:7077', true, true],
  ['our page in the network', 'http://192.168.1.9:7077', '192.168.1.9:7077', false, true],
  ['a page behind the proxy', 'https://train.example.org', '127.0.0.1:7077', true, false],
  ['a foreign page', 'https://evil.example', '127.0.0.1:7077', false, false],
  ['a rebound name', 'http://evil.example:7077', 'evil.example:7077', false, true],
  ['another port of ours', 'http://127.0.0.1:8080', '127.0.0.1:7077', false, false],
  ['the page of another coordinator', 'https://b.example.org:7077', 'a.example.org:7077', false, true],
  ['the same over plain HTTP', 'http://b.example.org:7077', 'a.example.org:7077', false, false],
  ['another coordinator of this machine', 'http://localhost:7078', '127.0.0.1:7077', true, false],
  ['a file', 'null', '127.0.0.1:7077', false, false],
  ['an extension', 'chrome-extension://127.0.0.1:7077', '127.0.0.1:7077', false, false],
])('%s', (_who, origin, host, onLoopback, onNetwork) => {
  expect(loopback(origin, host)).toBe(onLoopback);
  expect(network(origin, host)).toBe(onNetwork);
});
