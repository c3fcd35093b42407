import { expect, it } from 'vitest';
import { takeFragmentToken } from '../../../../client/web/fragment-token.ts';

function take(hash: string) {
  const shown: unknown[] = [];
  const token = takeFragmentToken(
    { hash, pathname: '/grid/', search: '?x=1' },
    { replaceState: (_state, _title, url) => void shown.push(url) },
  );
  return { token, shown };
}

it('takes the token and removes the whole fragment', () => {
  expect(take('#token=abc%2B1')).toEqual({ token: 'abc+1', shown: ['/grid/?x=1'] });
});

it('leaves other fragments alone', () => {
  expect(take('#/jobs/mnist')).toEqual({ token: '', shown: [] });
  expect(take('')).toEqual({ token: '', shown: [] });
});
