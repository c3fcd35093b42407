import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locateField } from '../../../../client/admin/json-location.ts';

const text = `{
  "name": "x",
  "model": { "kind": "gpt", "heads": 3,
    "hidden": [64, { "a.b": "}" }] },
  "stop": {}
}`;

function found(path: string): string | undefined {
  const range = locateField(text, path);
  return range && text.slice(range.start, range.end);
}

describe('locateField', () => {
  it.each([
    ['name', '"x"', 2],
    ['model.heads', '3', 3],
    ['model.hidden[0]', '64', 4],
    ['/model/hidden/0', '64', 4],
    ['model.hidden.1', '{ "a.b": "}" }', 4],
    ['stop.rounds', '{}', 5],
  ])('finds %s', (path, value, line) => {
    expect(found(path)).toBe(value);
    expect(locateField(text, path)?.line).toBe(line);
  });

  it.each(['', 'dataset', 'line 17'])('finds nothing for %j', (path) => {
    expect(locateField(text, path)).toBeUndefined();
  });

  it('finds every value of any document', () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z]{0,8}$/);
    const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
      leaf: fc.oneof(
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      tree: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4 }),
        fc.boolean(),
        (document, isIndented) => {
          const json = JSON.stringify(document, undefined, isIndented ? 2 : 0);
          for (const [path, value] of valuesOf(document, '')) {
            const range = locateField(json, path);
            expect(JSON.parse(json.slice(range?.start, range?.end))).toEqual(
              JSON.parse(JSON.stringify(value)),
            );
          }
        },
      ),
    );
  });

  it('gives up on text that is not JSON', () => {
    fc.assert(
      fc.property(fc.string(), (garbage) => {
        locateField(`{"a": ${garbage}`, 'a');
      }),
    );
    expect(locateField('{"a": ', 'a')).toBeUndefined();
  });
});

function* valuesOf(value: unknown, path: string): Generator<[string, unknown]> {
  if (path !== '') yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value))
    yield* valuesOf(child, path === '' ? key : `${path}.${key}`);
}
