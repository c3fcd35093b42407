import { describe, expect, it } from 'vitest';
import { actionOf, refusalAction } from '../../../../../client/worker/session/refusal.ts';
import { type ErrorCode, errorTable, isErrorCode } from '../../../../../shared/base/errors.ts';

const codes = Object.keys(errorTable).filter(isErrorCode);

describe('refusalAction', () => {
  it('never stops a worker for a code that may pass', () => {
    const stops = codes.filter((code) => refusalAction(code) === 'stop');
    expect(stops.filter((code) => errorTable[code].retryable)).toEqual([]);
  });

  it('stops where a person has to act', () => {
    const needPerson: readonly ErrorCode[] = [
      'unauthenticated',
      'forbidden',
      'quarantined',
      'unsupportedProtocol',
      'selfTestFailed',
      'wrongManifest',
      'badRequest',
    ];
    expect(needPerson.filter((code) => refusalAction(code) !== 'stop')).toEqual([]);
  });

  it('takes anything that is no expected failure for a defect', () => {
    expect(actionOf(new TypeError('x is not a function'))).toBe('stop');
  });
});
