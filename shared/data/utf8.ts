const replacement = 0xfffd;
const highSurrogateFirst = 0xd800;
const surrogateLast = 0xdfff;

/** UTF-8 bytes of a text; a lone surrogate becomes U+FFFD. Here because pure code has no TextEncoder. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= highSurrogateFirst && code <= surrogateLast) code = replacement;
    length = writeCodePoint(bytes, length, code);
  }
  return bytes.subarray(0, length);
}

function writeCodePoint(bytes: Uint8Array, start: number, code: number): number {
  if (code < 0x80) {
    bytes[start] = code;
    return start + 1;
  }
  const continuations = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const lead = [0, 0xc0, 0xe0, 0xf0][continuations] ?? 0;
  bytes[start] = lead | (code >> (6 * continuations));
  for (let place = 1; place <= continuations; place++) {
    bytes[start + place] = 0x80 | ((code >> (6 * (continuations - place))) & 0x3f);
  }
  return start + continuations + 1;
}

/** Text of UTF-8 bytes. Every maximal broken piece becomes one U+FFFD, as the WHATWG encoding standard asks. */
export function decodeUtf8(bytes: ArrayLike<number>): string {
  let text = '';
  for (let position = 0; position < bytes.length; ) {
    const [code, length] = readCodePoint(bytes, position);
    text += String.fromCodePoint(code);
    position += length;
  }
  return text;
}

function readCodePoint(bytes: ArrayLike<number>, start: number): readonly [code: number, length: number] {
  const lead = bytes[start] ?? 0;
  if (lead < 0x80) return [lead, 1];
  if (lead < 0xc2 || lead > 0xf4) return [replacement, 1];
  const continuations = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  let code = lead & (0x3f >> continuations);
  for (let place = 1; place <= continuations; place++) {
    const byte = bytes[start + place] ?? 0;
    const isFirst = place === 1;
    // The bounds of the second byte keep out overlong forms, surrogates and values above U+10FFFF.
    const low = isFirst && lead === 0xe0 ? 0xa0 : isFirst && lead === 0xf0 ? 0x90 : 0x80;
    const high = isFirst && lead === 0xed ? 0x9f : isFirst && lead === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return [replacement, place];
    code = (code << 6) | (byte & 0x3f);
  }
  return [code, continuations + 1];
}
