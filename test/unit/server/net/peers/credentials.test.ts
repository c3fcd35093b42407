import { expect, it } from 'vitest';
import { checkSecret, deriveKeys, isProof } from '../../../../../server/net/peers/credentials.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const secret = 'a secret of this cluster';
const transcript = { hello: bytes('hello'), challenge: bytes('challenge') };
const binding = bytes('binding');

it('both sides make the same proofs and keys, which are all different', () => {
  const [here, there] = [deriveKeys(secret, binding, transcript), deriveKeys(secret, binding, transcript)];
  const all = [
    here.proof('dialer'),
    here.proof('acceptor'),
    here.frameKey('dialer'),
    here.frameKey('acceptor'),
  ];
  expect(all.map((value) => value.length)).toEqual([32, 32, 32, 32]);
  expect(new Set(all.map((value) => Buffer.from(value).toString('hex'))).size).toBe(4);
  expect(isProof(there.proof('dialer'), here.proof('dialer'))).toBe(true);
  expect(isProof(there.proof('acceptor'), here.proof('dialer'))).toBe(false);
});

it.each<readonly [string, ReturnType<typeof deriveKeys>]>([
  ['another secret', deriveKeys(`${secret}!`, binding, transcript)],
  ['no secret', deriveKeys('', binding, transcript)],
  ['another connection', deriveKeys(secret, bytes('other'), transcript)],
  ['another hello', deriveKeys(secret, binding, { ...transcript, hello: bytes('hello!') })],
  ['another challenge', deriveKeys(secret, binding, { ...transcript, challenge: bytes('challenge!') })],
  [
    'hello and challenge changed over',
    deriveKeys(secret, binding, { hello: transcript.challenge, challenge: transcript.hello }),
  ],
  ['a border moved', deriveKeys(secret, binding, { hello: bytes('helloc'), challenge: bytes('hallenge') })],
])('a proof from %s is none', (_, keys) => {
  expect(isProof(keys.proof('dialer'), deriveKeys(secret, binding, transcript).proof('dialer'))).toBe(false);
});

it('a proof of another length is none', () => {
  const expected = deriveKeys(secret, binding, transcript).proof('dialer');
  expect(isProof(expected.subarray(0, 31), expected)).toBe(false);
  expect(isProof(new Uint8Array(0), expected)).toBe(false);
});

it('a secret that can be guessed is refused with the remedy, unless there are certificates', () => {
  expect(() => checkSecret('', false)).toThrow(/at least 16 characters.*openssl rand/);
  expect(() => checkSecret('short', true)).toThrow(
    expect.objectContaining({ code: 'badRequest', field: 'secret' }),
  );
  expect(() => checkSecret('', true)).not.toThrow();
  expect(() => checkSecret(secret, false)).not.toThrow();
});
