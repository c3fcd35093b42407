import type { Member } from './member.ts';
import type { Progress } from './progress.ts';

export function startTransfer(_member: Member, _progress: Progress): void {}

export function sendChunk(_member: Member, _progress: Progress): void {}
