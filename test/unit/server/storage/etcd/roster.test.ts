import { describe, expect, it } from 'vitest';
import {
  checkMember,
  decodeMember,
  type EtcdMember,
  encodeMember,
  Roster,
} from '../../../../../server/storage/etcd/roster.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { memberNamed } from '../../../../support/etcd-logs.ts';

const leader = (epoch: number) => ({ epoch, id: `leader ${epoch}`, lease: '1' });
const mapOf = (...members: readonly EtcdMember[]) => new Map(members.map((member) => [member.id, member]));

describe('a roster', () => {
  it('believes no older news', () => {
    const roster = new Roster();
    roster.update(5, { leader: leader(5) });
    roster.update(4, { leader: undefined });
    roster.updateMember(3, 'a', memberNamed('a'));
    expect(roster.leader?.epoch).toBe(5);
    expect(roster.members.size).toBe(0);
    roster.updateMember(5, 'a', memberNamed('a'));
    roster.update(6, { leader: undefined, successor: 'a' });
    expect(roster.leader).toBeUndefined();
    expect(roster.successor).toBe('a');
    expect([...roster.members.keys()]).toEqual(['a']);
  });

  it('tells of changes, and of nothing else', () => {
    const roster = new Roster();
    let changes = 0;
    const stop = roster.onChange(() => {
      changes += 1;
    });
    const state = {
      leader: leader(1),
      members: mapOf(memberNamed('a'), memberNamed('b')),
      successor: undefined,
    };
    const steps: readonly (readonly [() => void, number])[] = [
      [() => roster.update(1, state), 1],
      [() => roster.update(2, { ...state, members: mapOf(memberNamed('b'), memberNamed('a')) }), 1],
      [() => roster.updateMember(3, 'a', { ...memberNamed('a'), clientUrl: 'wss://moved' }), 2],
      [() => roster.updateMember(4, 'c', undefined), 2],
      [() => roster.updateMember(5, 'b', undefined), 3],
      [() => roster.update(6, { successor: 'a' }), 4],
      [() => roster.update(7, { leader: leader(7) }), 5],
    ];
    for (const [step, expected] of steps) {
      step();
      expect(changes).toBe(expected);
    }
    stop();
    roster.update(8, { leader: undefined });
    expect(changes).toBe(5);
  });
});

describe('a member', () => {
  it('is read as it was written; what is none is refused with the key', () => {
    const member = memberNamed('a');
    expect(decodeMember('key', Buffer.from(encodeMember(member)))).toEqual(member);
    for (const text of ['', '{}', '[]', '{"id":1}', JSON.stringify({ ...member, address: null })]) {
      expect(() => decodeMember('the key', Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'corrupted', message: expect.stringContaining('the key') }),
      );
    }
  });

  it('has a name that fits into a key, and short addresses', () => {
    expect(() => checkMember(memberNamed('node-1.example_b'))).not.toThrow();
    const long = 'x'.repeat(limits.textCharactersMax + 1);
    const refused: readonly (readonly [EtcdMember, string])[] = [
      [memberNamed(''), 'id'],
      [memberNamed('a/b'), 'id'],
      [memberNamed('ä'), 'id'],
      [memberNamed('x'.repeat(limits.nameCharactersMax + 1)), 'id'],
      [{ ...memberNamed('a'), address: long }, 'address'],
      [{ ...memberNamed('a'), clientUrl: long }, 'clientUrl'],
    ];
    for (const [member, field] of refused) {
      expect(() => checkMember(member)).toThrow(expect.objectContaining({ code: 'badRequest', field }));
    }
  });
});
