import type { Message } from '../../server/raft/message.ts';

export type Selection = (message: Message) => boolean;

const kinds: Readonly<Record<Message['kind'], true>> = {
  preVote: true,
  preVoteReply: true,
  vote: true,
  voteReply: true,
  append: true,
  appendReply: true,
  heartbeat: true,
  heartbeatReply: true,
  snapshotChunk: true,
  snapshotReply: true,
  timeoutNow: true,
  readIndex: true,
  readIndexReply: true,
};

/** `[kind…] [from id…] [to id…]`: what is not said may be anything, so that no word selects every message. */
export function parseSelection(words: readonly string[]): Selection {
  const lists = { kind: [] as string[], from: [] as string[], to: [] as string[] };
  let list: keyof typeof lists = 'kind';
  for (const word of words) {
    if (word === 'from' || word === 'to') list = word;
    else if (list === 'kind' && !(word in kinds)) throw new Error(`There is no message "${word}".`);
    else lists[list].push(word);
  }
  const isAmong = (ids: readonly string[], id: string): boolean => ids.length === 0 || ids.includes(id);
  return ({ kind, from, to }) =>
    isAmong(lists.kind, kind) && isAmong(lists.from, from) && isAmong(lists.to, to);
}
