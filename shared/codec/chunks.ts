/** Values of one chunk of the sparse codecs: positions inside it fit 12 bits. */
export const chunkLength = 4_096;

/** How many values of each chunk a sparse codec keeps, and how a vector is cut. */
export interface Chunking {
  readonly chunks: number;
  /** Length of every chunk but the last. */
  readonly length: number;
  readonly lastLength: number;
}

/** The last chunk may be shorter. An empty vector has no chunks. */
export function chunkingOf(length: number): Chunking {
  const chunks = Math.ceil(length / chunkLength);
  return { chunks, length: chunkLength, lastLength: length - (chunks - 1) * chunkLength };
}
