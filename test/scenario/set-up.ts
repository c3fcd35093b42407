import type { RaftStored } from '../../server/raft/raft.ts';
import { command, noop } from '../unit/server/raft/support/letters.ts';
import { TestCluster } from '../unit/server/raft/support/test-cluster.ts';
import type { Line } from './parse.ts';

/** What a scenario says of its members before anything happens. */
export class SetUp {
  #voters: readonly string[] = [];
  #learners: readonly string[] = [];
  #strangers: readonly string[] = [];
  readonly #options: Record<string, number> = {};
  readonly #stored: Record<string, Partial<RaftStored>> = {};

  /** Whether the line belongs to the set-up. */
  take({ word, words, values = [] }: Line): boolean {
    switch (word) {
      case 'members':
        this.#voters = words;
        return true;
      case 'learners':
        this.#learners = words;
        return true;
      case 'strangers':
        this.#strangers = words;
        return true;
      case 'option':
        this.#options[words.join()] = Number(values.join());
        return true;
      case 'stored':
        for (const id of words) this.#stored[id] = parseStored(values);
        return true;
      default:
        return false;
    }
  }

  build(): TestCluster {
    if (this.#voters.length === 0) throw new Error('There are no members.');
    return new TestCluster({
      voters: this.#voters,
      learners: this.#learners,
      strangers: this.#strangers,
      options: this.#options,
      stored: this.#stored,
    });
  }
}

/** `1 1:x 2 term 3 vote b commit 1`: the term of every entry, with its command, and then the hard state. */
function parseStored(values: readonly string[]): Partial<RaftStored> {
  const end = values.indexOf('term');
  const words = end < 0 ? values : values.slice(0, end);
  const entries = words.map((word, place) => {
    const [term = '', text] = word.split(':');
    return text === undefined ? noop(place + 1, Number(term)) : command(place + 1, Number(term), text);
  });
  const named = end < 0 ? [] : values.slice(end);
  const wordBehind = (name: string): string | undefined =>
    named.includes(name) ? named[named.indexOf(name) + 1] : undefined;
  const term = Number(wordBehind('term') ?? entries.at(-1)?.term ?? 0);
  return {
    entries,
    hardState: { term, vote: wordBehind('vote') ?? '', commit: Number(wordBehind('commit') ?? 0) },
  };
}
