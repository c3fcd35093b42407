export interface TextRange {
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
}

/**
 * Where the value at `path` (`model.heads`, `model.hidden[1]`, `model.hidden.1`) stands in a JSON text, so that an
 * error can be shown at its field. The deepest part of the path that exists; undefined when there is none.
 */
export function locateField(text: string, path: string): TextRange | undefined {
  const steps = path.split(/[.[\]/]+/).filter((step) => step !== '');
  if (steps.length === 0) return undefined;
  const ranges = new Map<string, [number, number]>();
  try {
    scanValue(text, skipSpace(text, 0), '', ranges);
  } catch {
    return undefined;
  }
  for (let length = steps.length; length > 0; length -= 1) {
    const range = ranges.get(steps.slice(0, length).join('.'));
    if (range !== undefined) {
      const [start, end] = range;
      return { start, end, line: lineOf(text, start) };
    }
  }
  return undefined;
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Notes the range of every value below `at` under its dotted path, and returns the offset after the value. */
function scanValue(text: string, at: number, path: string, ranges: Map<string, [number, number]>): number {
  const opening = text.charAt(at);
  let end: number;
  if (opening === '{' || opening === '[') end = scanContainer(text, at, path, ranges);
  else if (opening === '"') end = scanString(text, at);
  else end = at + scanLiteral(text, at);
  if (path !== '') ranges.set(path, [at, end]);
  return end;
}

function scanContainer(
  text: string,
  at: number,
  path: string,
  ranges: Map<string, [number, number]>,
): number {
  const isObject = text.charAt(at) === '{';
  const closing = isObject ? '}' : ']';
  let offset = skipSpace(text, at + 1);
  for (let index = 0; text.charAt(offset) !== closing; index += 1) {
    let key = String(index);
    if (isObject) {
      const keyEnd = scanString(text, offset);
      key = JSON.parse(text.slice(offset, keyEnd)) as string;
      offset = skipSpace(text, expect(text, skipSpace(text, keyEnd), ':'));
    }
    offset = skipSpace(text, scanValue(text, offset, path === '' ? key : `${path}.${key}`, ranges));
    if (text.charAt(offset) === ',') offset = skipSpace(text, offset + 1);
    else expect(text, offset, closing);
  }
  return offset + 1;
}

function scanString(text: string, at: number): number {
  let offset = expect(text, at, '"');
  while (text.charAt(offset) !== '"') {
    if (offset >= text.length) throw new SyntaxError('unfinished string');
    offset += text.charAt(offset) === '\\' ? 2 : 1;
  }
  return offset + 1;
}

function scanLiteral(text: string, at: number): number {
  const length = /^[-+.\w]+/.exec(text.slice(at, at + 64))?.[0].length ?? 0;
  if (length === 0) throw new SyntaxError('a value is missing');
  return length;
}

function skipSpace(text: string, at: number): number {
  let offset = at;
  while (' \t\r\n'.includes(text.charAt(offset)) && offset < text.length) offset += 1;
  return offset;
}

function expect(text: string, at: number, character: string): number {
  if (text.charAt(at) !== character) throw new SyntaxError(`${character} is missing`);
  return at + 1;
}
