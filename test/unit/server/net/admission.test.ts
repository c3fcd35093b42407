import { describe, expect, test } from 'vitest';
import { createAdmission } from '../../../../server/net/admission.ts';
import { networkOf } from '../../../../shared/base/network-of.ts';

const bounds = {
  connectionsMax: 5,
  connectionsPerAddressMax: 3,
  connectionsPerAddressPerMinuteMax: 60,
};

describe('admission', () => {
  test('counts connections in and out, in all and by address', () => {
    const admission = createAdmission(() => 0, bounds);
    const leave = ['a', 'a', 'a'].map((address) => admission.enter(address));
    expect(() => admission.enter('a')).toThrow('too many connections from this address');
    leave.push(admission.enter('b'), admission.enter('c'));
    expect(() => admission.enter('d')).toThrow('as many connections as it may');
    leave[0]?.();
    leave[0]?.();
    expect(admission.connections).toBe(4);
    admission.enter('a');
    expect(() => admission.enter('b')).toThrow('as many connections as it may');
  });

  test('slows down an address that comes and goes', () => {
    let now = 0;
    const admission = createAdmission(() => now, bounds);
    const comeAndGo = (): void => admission.enter('a')();
    for (let visit = 0; visit < 60; visit++) comeAndGo();
    expect(comeAndGo).toThrow('wait and try again');
    now = 1_000;
    comeAndGo();
    expect(comeAndGo).toThrow('wait and try again');
    now = 1_000_000;
    for (let visit = 0; visit < 60; visit++) comeAndGo();
  });
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
