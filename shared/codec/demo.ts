import { assert } from '../base/assert.ts';
import { GradswarmError } from '../base/errors.ts';
import type { ParameterManifest } from '../tensor/manifest.ts';
import { type BitReader, type BitWriter, createBitReader, createBitWriter } from './bit-stream.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { finiteSquaredNorm, malformed } from './finite.ts';
import { createPlainPart, type PlainPart } from './matrix-view.ts';
import { type PieceReader, piecewise } from './piecewise.ts';
import { type Band, cutIntoBands, type Tile, type TileShape, tileSide } from './tiling.ts';
import { createTopSelection, type TopSelection } from './top-selection.ts';
import { checkZeroScale, zeroScaleByteMax, zeroScaleByteOf, zeroScales } from './zero-scale.ts';

/** Payload: statistics as float32; a scale byte for each tile; then positions and signs of each tile as bits. */
interface Layout {
  readonly plain: PlainPart;
  readonly bands: readonly Band[];
  readonly tiles: number;
  readonly bitBytes: number;
}

function layOut(k: number, { tensors }: ParameterManifest): Layout {
  const bands = cutIntoBands(
    tensors.filter(({ role }) => role === 'trainable'),
    k,
  );
  const plain = createPlainPart(tensors.filter(({ role }) => role === 'statistic'));
  let [tiles, bits] = [0, 0];
  for (const band of bands) {
    for (const { shape } of band.tiles) bits += shape.kept * (shape.indexBits + 1);
    tiles += band.tiles.length;
  }
  return { plain, bands, tiles, bitBytes: Math.ceil(bits / 8) };
}

/** Arrays for one tile, used for all in turn. */
interface Workspace {
  readonly values: Float64Array;
  readonly coefficients: Float64Array;
  /** The coefficients as float32, among which is selected. */
  readonly rounded: Float32Array;
  readonly words: Int32Array;
  readonly selection: TopSelection;
}

function createWorkspace(): Workspace {
  const area = tileSide * tileSide;
  const rounded = new Float32Array(area);
  return {
    values: new Float64Array(area),
    coefficients: new Float64Array(area),
    rounded,
    words: new Int32Array(rounded.buffer),
    selection: createTopSelection(),
  };
}

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/** The power of two nearest to a mean magnitude, as its byte. @throws GradswarmError `notFinite`. */
function scaleByteNear(mean: number): number {
  // A mean from 1.5 * 2^e on is nearer to the power above.
  word[0] = (mean * 4) / 3;
  const byte = zeroScaleByteOf((wordBits[0]! >>> 23) - 127);
  if (byte > zeroScaleByteMax) throw new GradswarmError('notFinite', 'The vector holds values beyond 1e36.');
  return Math.max(byte, 0);
}

/** Returns the tile's scale byte. */
function writeTile(
  space: Workspace,
  { area, kept, indexBits, transform }: TileShape,
  bits: BitWriter,
): number {
  const { values, coefficients, rounded, words, selection } = space;
  transform.forward(values, coefficients);
  for (let index = 0; index < area; index++) rounded[index] = coefficients[index]!;
  selection.select(words, 0, area, kept);
  let sum = 0;
  for (let rank = 0; rank < kept; rank++) {
    const position = selection.offsets[rank]!;
    bits.write(position, indexBits);
    sum += Math.abs(rounded[position]!);
  }
  for (let rank = 0; rank < kept; rank++) bits.write(rounded[selection.offsets[rank]!]! < 0 ? 1 : 0, 1);
  return scaleByteNear(sum / kept);
}

/** Positions in `positions`, signs into `negative`. @throws GradswarmError `badRequest`. */
function readTileBits(
  { area, kept, indexBits }: TileShape,
  bits: BitReader,
  positions: Uint16Array,
  negative: Uint8Array,
): void {
  let previous = -1;
  for (let rank = 0; rank < kept; rank++) {
    const position = bits.read(indexBits);
    if (position <= previous || position >= area) {
      throw malformed(
        `Position ${position} after ${previous} in a tile of ${area}: positions ascend and stay inside.`,
      );
    }
    positions[rank] = position;
    previous = position;
  }
  for (let rank = 0; rank < kept; rank++) negative[rank] = bits.read(1);
}

/** Copies a tile out of a band, or into it. */
function loadTile(
  flat: Float32Array,
  start: number,
  band: Band,
  { shape, column }: Tile,
  values: Float64Array,
): void {
  for (let row = 0, at = 0; row < shape.rows; row++) {
    let index = start + row * band.columns + column;
    for (const end = at + shape.columns; at < end; at++, index++) values[at] = flat[index]!;
  }
}

function storeTile(values: Float64Array, band: Band, { shape, column }: Tile, target: Float32Array): void {
  for (let row = 0, at = 0; row < shape.rows; row++) {
    let index = row * band.columns + column;
    for (const end = at + shape.columns; at < end; at++, index++) target[index] = values[at]!;
  }
}

function createReader(layout: Layout): PieceReader {
  const { plain, bands, tiles } = layout;
  const positions = new Uint16Array(tileSide * tileSide);
  const negative = new Uint8Array(tileSide * tileSide);
  const values = new Float64Array(tileSide * tileSide);
  const coefficients = new Float64Array(tileSide * tileSide);
  const bitsOf = (payload: Uint8Array): BitReader => createBitReader(payload.subarray(plain.bytes + tiles));

  const decodeTile = (shape: TileShape, bits: BitReader, scale: number): void => {
    readTileBits(shape, bits, positions, negative);
    coefficients.fill(0, 0, shape.area);
    for (let rank = 0; rank < shape.kept; rank++) {
      coefficients[positions[rank]!] = negative[rank] === 1 ? -scale : scale;
    }
    shape.transform.inverse(coefficients, values);
  };

  return {
    check(payload) {
      plain.check(payload);
      const bits = bitsOf(payload);
      let tile = 0;
      for (const band of bands) {
        for (const { shape } of band.tiles) {
          checkZeroScale(payload[plain.bytes + tile]!, tile++);
          readTileBits(shape, bits, positions, negative);
        }
      }
      if (!bits.restIsZero()) throw malformed('The bits after the last sign are not zero.');
    },
    read(payload, take) {
      plain.read(payload, take);
      const bits = bitsOf(payload);
      let scaleAt = plain.bytes;
      for (const band of bands) {
        const piece = new Float32Array(band.rows * band.columns);
        for (const tile of band.tiles) {
          decodeTile(tile.shape, bits, zeroScales[payload[scaleAt++]!]!);
          storeTile(values, band, tile, piece);
        }
        take(band.offset, piece);
      }
    },
  };
}

/**
 * The fast-moving part of a momentum (Peng, Quesnelle and Kingma 2024): matrices are cut into tiles of 64 x 64, each is
 * transformed by cosines, and of its largest coefficients only the positions, the signs and one power of two near
 * their mean magnitude are sent. The momentum itself is the encoder's residual: what a payload decodes to is taken out of
 * it. Statistics are sent as float32.
 */
export function createDemo(spec: CodecSpecOf<'demo'>, manifest: ParameterManifest): Codec {
  const layout = layOut(spec.k, manifest);
  const { plain, bands, tiles, bitBytes } = layout;
  const encodedBytes = plain.bytes + tiles + bitBytes;
  const space = createWorkspace();
  return {
    spec,
    lossless: false,
    isBiased: true,
    encodedBytes,
    encode(values) {
      assert(values.length === manifest.length, 'a vector has the length of its codec');
      finiteSquaredNorm(values);
      const payload = new Uint8Array(encodedBytes);
      plain.write(values, payload);
      const bits = createBitWriter(payload.subarray(plain.bytes + tiles));
      let scaleAt = plain.bytes;
      for (const band of bands) {
        for (const tile of band.tiles) {
          loadTile(values, band.offset, band, tile, space.values);
          payload[scaleAt++] = writeTile(space, tile.shape, bits);
        }
      }
      return payload;
    },
    ...piecewise({ spec, encodedBytes }, createReader(layout)),
  };
}
