import { expect, test } from 'vitest';
import { parseHostPort } from '../../../../shared/base/host-port.ts';

test.each<[string, ReturnType<typeof parseHostPort>]>([
  ['127.0.0.1:7077', { host: '127.0.0.1', port: 7077 }],
  ['a:1', { host: 'a', port: 1 }],
  ['node-1.grid.example.org:65535', { host: 'node-1.grid.example.org', port: 65_535 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost', undefined],
  ['localhost:', undefined],
  [':7077', undefined],
  ['localhost:70000', undefined],
  ['localhost:7x', undefined],
  ['::1:7077', undefined],
  ['-a:1', undefined],
  ['a b:1', undefined],
  ['http://a:1', undefined],
  ['a:1/', undefined],
])('%s', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});
