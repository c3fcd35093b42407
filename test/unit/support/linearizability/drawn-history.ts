import {
  elementOf,
  type ListInput,
  type ListOutput,
} from '../../../support/linearizability/append-list-model.ts';
import type { Operation } from '../../../support/linearizability/history.ts';
import type { RegisterInput, RegisterOutput } from '../../../support/linearizability/register-model.ts';

interface Meaning<Input, Output> {
  readonly input: Input;
  readonly output: Output;
}

/**
 * Reads a history as it is drawn: a line for each client, `a: [w1  ] [r1]`, where the column of `[` is the time of the
 * call and that of `]` the time of the return. `[w1  ?` never returned. `w1/x` is on the object `x` instead of `k`.
 */
function parse<Input, Output>(
  lines: readonly string[],
  meaningOf: (text: string) => Meaning<Input, Output>,
): Operation<Input, Output>[] {
  return lines.flatMap((line, index) =>
    [...line.matchAll(/\[([^\]?]*)([\]?])/g)].map((match): Operation<Input, Output> => {
      const [drawn, content = '', end] = match;
      const [text = '', key = 'k'] = content.trim().split('/');
      const { input, output } = meaningOf(text);
      const call = { client: line.split(':')[0] ?? String(index), key, input, callTime: match.index };
      const returnTime = match.index + drawn.length - 1;
      return end === '?' ? call : { ...call, outcome: { returnTime, output } };
    }),
  );
}

/** `w1` writes, `r1` reads 1, `r-` reads nothing, `c12+` sets 1 to 2, `c12-` finds something else than 1. */
export function drawRegisters(...lines: readonly string[]): Operation<RegisterInput, RegisterOutput>[] {
  return parse(lines, (text): Meaning<RegisterInput, RegisterOutput> => {
    const [kind = '', first = '', second = '', sign] = text;
    const expected = first === '-' ? undefined : first;
    switch (kind) {
      case 'w':
        return { input: { kind: 'write', value: first }, output: { kind: 'written' } };
      case 'r':
        return { input: { kind: 'read' }, output: { kind: 'value', value: expected } };
      default:
        return {
          input: { kind: 'compareAndSet', expected, value: second },
          output: { kind: 'compared', isSet: sign === '+' },
        };
    }
  });
}

/** `+x0` appends the command x and is told position 0, `rxy` reads x before y, `r` reads an empty list. */
export function drawLists(...lines: readonly string[]): Operation<ListInput, ListOutput>[] {
  return parse(lines, (text): Meaning<ListInput, ListOutput> => {
    const [kind = '', clientId = '', position = ''] = text;
    if (kind === '+')
      return {
        input: { kind: 'append', clientId, sequence: 1 },
        output: { kind: 'position', position: Number(position) },
      };
    const elements = [...text.slice(1)].map((letter) => elementOf(letter, 1));
    return { input: { kind: 'read' }, output: { kind: 'elements', elements } };
  });
}
