import type { Member } from './member.ts';
import type { Snapshot } from './raft.ts';

export function compact(_member: Member, _snapshot: Snapshot, _keepFrom: number): void {}
