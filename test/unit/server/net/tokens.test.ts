import { expect, test } from 'vitest';
import { createTokenText, hashToken, verifyToken } from '../../../../server/net/tokens.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

const record = (token: string, name: string) => ({
  tokenId: name,
  name,
  role: 'worker' as const,
  tokenHash: hashToken(token),
  atMs: 0,
});

test('a token has 256 random bits and a prefix that scanners find', () => {
  const tokens = Array.from({ length: 100 }, createTokenText);
  for (const token of tokens) {
    expect(token).toMatch(/^gs_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(token.slice(3), 'base64url').length).toBe(32);
  }
  expect(new Set(tokens).size).toBe(100);
});

test('a token is found by its hash alone', () => {
  const [first, second, other] = [createTokenText(), createTokenText(), createTokenText()];
  const records = [record(first, 'first'), record(second, 'second')];
  expect(verifyToken(first, records).tokenId).toBe('first');
  expect(verifyToken(second, records).tokenId).toBe('second');
  for (const wrong of [other, '', 'gs_', first.slice(0, -1), `${first}x`, first.toUpperCase(), ` ${first}`]) {
    expect(() => verifyToken(wrong, records)).toThrow(GradswarmError);
  }
  expect(JSON.stringify(records)).not.toContain(first.slice(3));
});
