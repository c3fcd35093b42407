import { expect, it } from 'vitest';
import { fromErrorMessage, toErrorMessage } from '../../../../shared/base/error-message.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

function carried(error: unknown): Error {
  return fromErrorMessage(structuredClone(toErrorMessage(error)));
}

it('carries an expected failure with all its fields', () => {
  const failure = new GradswarmError('notLeader', 'another one leads', 'model.heads', 'http://a.test/');
  const { code, message, field, redirectUrl } = failure;
  const arrived = carried(failure);
  expect(arrived).toBeInstanceOf(GradswarmError);
  expect(arrived).toMatchObject({ code, message, field, redirectUrl });
  expect(carried(new GradswarmError('conflict', 'no'))).toEqual(new GradswarmError('conflict', 'no'));
});

it('carries any other error with its stack, and what was thrown else as words', () => {
  const error = new RangeError('too far');
  expect(carried(error)).toMatchObject({ message: 'too far', stack: error.stack });
  expect(carried(error)).not.toBeInstanceOf(GradswarmError);
  expect(carried('nonsense').message).toBe('nonsense');
});
