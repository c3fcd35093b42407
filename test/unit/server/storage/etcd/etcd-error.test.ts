import { describe, expect, it } from 'vitest';
import { type EtcdReason, errorOfAnswer, isRefusal } from '../../../../../server/storage/etcd/etcd-error.ts';

/** Answers as etcd's gateway gives them, and what is made of them. */
const answers: readonly (readonly [number, string, number, EtcdReason])[] = [
  [404, 'etcdserver: requested lease not found', 5, 'noLease'],
  [400, 'etcdserver: mvcc: required revision has been compacted', 11, 'compacted'],
  [400, 'etcdserver: request is too large', 3, 'tooLarge'],
  [429, 'etcdserver: mvcc: database space exceeded', 8, 'noSpace'],
  [429, 'etcdserver: too many requests', 8, 'unreachable'],
  [503, 'etcdserver: request timed out', 14, 'unreachable'],
  [503, 'etcdserver: leader changed', 14, 'unreachable'],
  [500, 'context deadline exceeded', 2, 'unreachable'],
  [401, 'etcdserver: invalid auth token', 16, 'unauthenticated'],
  [400, 'etcdserver: user name is empty', 3, 'unauthenticated'],
  [400, 'etcdserver: authentication is not enabled', 9, 'unauthenticated'],
  [403, 'etcdserver: permission denied', 7, 'forbidden'],
  [400, 'etcdserver: duplicate key given in txn request', 3, 'unexpected'],
];

describe('an error of etcd', () => {
  it.each(answers)('%i, %s (%i) is %s', (status, message, code, reason) => {
    const error = errorOfAnswer('http://one', status, JSON.stringify({ error: message, message, code }));
    expect(error.reason).toBe(reason);
    expect(error.message).toContain('http://one');
    expect(error.message).toContain(message);
  });

  it('is found in the envelope of a stream', () => {
    const error = { grpc_code: 14, http_code: 503, message: 'etcdserver: no leader' };
    expect(errorOfAnswer('http://one', 200, JSON.stringify({ error })).reason).toBe('unreachable');
  });

  it.each([
    [502, '<html>', 'unreachable'],
    [404, 'not found', 'unexpected'],
    [400, 'null', 'unexpected'],
  ])('of a proxy before it is told by its status: %i %s', (status, body, reason) => {
    expect(errorOfAnswer('http://one', status, body).reason).toBe(reason);
  });

  it('is a refusal only when the change was certainly not made', () => {
    const refusals = answers.filter(([status, message, code]) =>
      isRefusal(errorOfAnswer('http://one', status, JSON.stringify({ message, code }))),
    );
    expect(new Set(refusals.map(([, , , reason]) => reason))).toEqual(
      new Set(['tooLarge', 'noSpace', 'unauthenticated', 'forbidden']),
    );
  });
});
