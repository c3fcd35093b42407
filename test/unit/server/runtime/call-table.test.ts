import { expect, test } from 'vitest';
import { createCallTable } from '../../../../server/runtime/call-table.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';

test('delivers an answer to its caller, and a refusal as an error', async () => {
  const calls = createCallTable();
  const [first, second] = [calls.open(), calls.open()];
  expect(calls.settle({ kind: 'refuse', call: second.call, code: 'duplicate', message: 'Twice.' })).toBe(
    true,
  );
  expect(calls.settle({ kind: 'answerAccepted', call: first.call })).toBe(true);
  expect(await first.answer).toEqual({ kind: 'answerAccepted', call: first.call });
  await expect(second.answer).rejects.toMatchObject({ code: 'duplicate', message: 'Twice.' });
  expect(calls.waiting).toBe(0);
});

test('takes a second answer for a broken invariant', () => {
  const calls = createCallTable();
  const { call } = calls.open();
  calls.settle({ kind: 'answerAccepted', call });
  expect(() => calls.settle({ kind: 'answerAccepted', call })).toThrow(`call ${call} is answered once`);
});

test('refuses whoever waits at shutdown, and whoever calls after it', async () => {
  const calls = createCallTable();
  const { answer } = calls.open();
  calls.refuseAll(new GradswarmError('unavailable', 'The end.'));
  await expect(answer).rejects.toMatchObject({ code: 'unavailable' });
  await expect(calls.open().answer).rejects.toMatchObject({ code: 'unavailable' });
  expect(calls.waiting).toBe(0);
});
