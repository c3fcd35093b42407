import { expect, it } from 'vitest';
import { createNotices, type PeerNotice } from '../../../../../server/net/peers/notices.ts';

function recorded(): { readonly told: PeerNotice[]; readonly notices: ReturnType<typeof createNotices> } {
  const told: PeerNotice[] = [];
  return { told, notices: createNotices((notice) => told.push(notice)) };
}
const warning = (message: string): PeerNotice => ({ level: 'warn', message });

it('tells a cause once for each whom it concerns, even if others come in between', () => {
  const { told, notices } = recorded();
  for (const message of ['x', 'y', 'x']) notices.tell('b', warning(message));
  notices.tell('c', warning('x'));
  expect(told).toEqual([warning('x'), warning('y'), warning('x')]);
});

it('tells it again when it had been resolved', () => {
  const { told, notices } = recorded();
  notices.tell('b', warning('x'));
  notices.tell('c', warning('x'));
  notices.resolve('b');
  notices.tell('b', warning('x'));
  notices.tell('c', warning('x'));
  expect(told).toHaveLength(3);
});

it('remembers no more than so many, so that made up names take no memory', () => {
  const { told, notices } = recorded();
  for (let index = 0; index < 1_000; index++) notices.tell(`stranger ${index}`, warning('x'));
  notices.tell('stranger 999', warning('x'));
  expect(told).toHaveLength(1_000);
  notices.tell('stranger 0', warning('x'));
  expect(told).toHaveLength(1_001);
});
