import type { TensorEntry } from '../tensor/manifest.ts';
import { type CosineTransform, createCosineTransform } from './cosine-transform.ts';
import { type MatrixView, matrixView } from './matrix-view.ts';

/** Side of a tile: its positions fit 12 bits. */
export const tileSide = 64;
const tileArea = tileSide * tileSide;

/** All tiles of one shape. */
export interface TileShape {
  readonly rows: number;
  readonly columns: number;
  readonly area: number;
  /** Coefficients that are kept. */
  readonly kept: number;
  /** Of a coefficient's position. */
  readonly indexBits: number;
  readonly transform: CosineTransform;
}

export interface Tile {
  readonly shape: TileShape;
  /** First column in the band. */
  readonly column: number;
}

/** Up to 64 whole rows of a matrix, one stretch of the flat vector, cut into tiles from left to right. */
export interface Band {
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly tiles: readonly Tile[];
}

/** @param k coefficients kept of a tile of 64 x 64; smaller ones keep their share, rounded up */
export function cutIntoBands(tensors: readonly TensorEntry[], k: number): Band[] {
  const shapes = new Map<number, TileShape>();
  const shapeOf = (rows: number, columns: number): TileShape => {
    const key = rows * (tileSide + 1) + columns;
    const shape = shapes.get(key) ?? createShape(rows, columns, k);
    shapes.set(key, shape);
    return shape;
  };
  return tensors.flatMap((tensor) => bandsOf(matrixView(tensor), shapeOf));
}

function createShape(rows: number, columns: number, k: number): TileShape {
  const area = rows * columns;
  return {
    rows,
    columns,
    area,
    kept: Math.ceil((k * area) / tileArea),
    indexBits: 32 - Math.clz32(area - 1),
    transform: createCosineTransform(rows, columns),
  };
}

function bandsOf(view: MatrixView, shapeOf: (rows: number, columns: number) => TileShape): Band[] {
  const bands: Band[] = [];
  for (let row = 0; row < view.rows; row += tileSide) {
    const rows = Math.min(tileSide, view.rows - row);
    const tiles: Tile[] = [];
    for (let column = 0; column < view.columns; column += tileSide) {
      tiles.push({ shape: shapeOf(rows, Math.min(tileSide, view.columns - column)), column });
    }
    bands.push({ offset: view.offset + row * view.columns, rows, columns: view.columns, tiles });
  }
  return bands;
}
