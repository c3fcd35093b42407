/** One instruction: `word words…: values…`. */
export interface Line {
  readonly number: number;
  readonly text: string;
  readonly word: string;
  readonly words: readonly string[];
  /** What follows the colon; `nothing` is the empty list. */
  readonly values: readonly string[] | undefined;
}

export interface Scenario {
  /** The first line: one sentence that says what the scenario holds. */
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Blank lines and those that begin with `#` are for the reader. */
export function parseScenario(text: string): Scenario {
  const [title = '', ...rest] = text.split('\n');
  if (!/^[A-Z].*\.$/.test(title)) throw new Error('The first line is not a sentence.');
  const lines = rest.flatMap((line, place) => {
    const trimmed = line.trim();
    return trimmed === '' || trimmed.startsWith('#') ? [] : [parseLine(trimmed, place + 2)];
  });
  if (!lines.some(({ word }) => word === 'expect')) throw new Error('Nothing is expected.');
  if (lines.at(-1)?.word !== 'expect') throw new Error('The end is not an expectation.');
  return { title, lines };
}

function parseLine(text: string, number: number): Line {
  const colon = /:(?=\s|$)/.exec(text)?.index;
  const [word = '', ...words] = split(text.slice(0, colon));
  return {
    number,
    text,
    word,
    words,
    values: colon === undefined ? undefined : valuesOf(text.slice(colon + 1)),
  };
}

function valuesOf(text: string): readonly string[] {
  const values = split(text);
  if (values.length === 0) throw new Error('A list is empty; write "nothing".');
  return values.join(' ') === 'nothing' ? [] : values;
}

function split(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
