import { expect, test } from 'vitest';
import { type ErrorCode, errorTable, GradswarmError } from '../../../../shared/base/errors.ts';
import {
  closeCodeOf,
  closeReasonOf,
  errorOf,
  errorOfClose,
  statusOf,
} from '../../../../shared/protocol/status.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

test('every code travels as a status and as a close reason', () => {
  for (const code of codes) {
    const error = new GradswarmError(code, 'why', 'model.heads', 'http://leader.test/');
    const back = errorOf({ $typeName: 'gradswarm.v1.Status', ...statusOf(error) });
    expect(back).toMatchObject({
      code,
      message: 'why',
      field: 'model.heads',
      redirectUrl: 'http://leader.test/',
    });
    expect(errorOfClose(closeReasonOf(error))).toMatchObject({ code, message: 'why' });
  }
});

test('close codes are in the range that applications may use', () => {
  for (const code of codes) {
    expect(closeCodeOf(code)).toBeGreaterThanOrEqual(4_000);
    expect(closeCodeOf(code)).toBeLessThan(5_000);
  }
});

test('a defect tells the peer nothing of itself', () => {
  expect(statusOf(new TypeError('secret path /home'))).toEqual({
    code: 'internal',
    message: errorTable.internal.meaning,
    field: '',
    redirectUrl: '',
  });
});

test('a code from the future is internal, and keeps its words', () => {
  const status = {
    $typeName: 'gradswarm.v1.Status',
    code: 'newer',
    message: 'why',
    field: '',
    redirectUrl: '',
  } as const;
  expect(errorOf(status)).toMatchObject({ code: 'internal', message: 'newer: why' });
  expect(errorOf(undefined).code).toBe('internal');
  expect(errorOfClose('')).toBeUndefined();
  expect(errorOfClose('going away')).toBeUndefined();
});

test('a close reason fits into the 123 bytes that a close frame has', () => {
  const reason = closeReasonOf(new GradswarmError('badRequest', 'ü'.repeat(500)));
  expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
});
