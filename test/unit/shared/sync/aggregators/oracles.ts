import type { Members } from '../../../../../shared/sync/aggregators/aggregator.ts';
import type { AggregatorFunctionSpec } from '../../../../../shared/sync/aggregators/aggregator-spec.ts';

type Vector = readonly number[];

const sum = (values: readonly number[]): number => values.reduce((left, right) => left + right, 0);
const ascending = (values: readonly number[]): number[] => [...values].sort((left, right) => left - right);
const norm = (vector: Vector): number => Math.hypot(...vector);
const minus = (left: Vector, right: Vector): number[] => left.map((value, index) => value - right[index]!);
const distance = (left: Vector, right: Vector): number => norm(minus(left, right));

function columnsOf(vectors: readonly Vector[], reduce: (column: number[]) => number): number[] {
  return vectors[0]!.map((_, index) => reduce(vectors.map((vector) => vector[index]!)));
}

function medianOf(values: readonly number[]): number {
  const sorted = ascending(values);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function weightedMean(vectors: readonly Vector[], weights: readonly number[]): number[] {
  return columnsOf(vectors, (column) => sum(column.map((v, i) => v * weights[i]!)) / sum(weights));
}

function krumScore(vectors: readonly Vector[], index: number, faulty: number): number {
  const others = vectors.filter((_, other) => other !== index);
  const squares = ascending(others.map((other) => distance(other, vectors[index]!) ** 2));
  return sum(squares.slice(0, Math.max(1, vectors.length - faulty - 2)));
}

/** Two that are one another's only neighbour have equal scores. */
function compare(left: Vector, right: Vector): number {
  return minus(left, right).find((difference) => difference !== 0) ?? 0;
}

function krumOrder(vectors: readonly Vector[], faulty: number): number[] {
  const scores = vectors.map((_, index) => krumScore(vectors, index, faulty));
  const order = vectors.map((_, index) => index);
  return order.sort(
    (left, right) => scores[left]! - scores[right]! || compare(vectors[left]!, vectors[right]!),
  );
}

function bulyan(vectors: readonly Vector[], faulty: number): number[] {
  const rest = [...vectors];
  const chosen: Vector[] = [];
  while (chosen.length < vectors.length - 2 * faulty) {
    chosen.push(...rest.splice(krumOrder(rest, faulty)[0]!, 1));
  }
  return columnsOf(chosen, (column) => {
    const middle = medianOf(column);
    const near = [...column].sort((left, right) => Math.abs(left - middle) - Math.abs(right - middle));
    return sum(near.slice(0, chosen.length - 2 * faulty)) / (chosen.length - 2 * faulty);
  });
}

function clipped(vector: Vector, radius: number): Vector {
  const length = norm(vector);
  return length <= radius ? vector : vector.map((value) => (value * radius) / length);
}

function centredClipping(vectors: readonly Vector[], weights: readonly number[], radius: number): number[] {
  let centre = columnsOf(vectors, medianOf);
  for (let iteration = 0; iteration < 3; iteration++) {
    const moves = vectors.map((vector) => clipped(minus(vector, centre), radius));
    const move = weightedMean(moves, weights);
    centre = centre.map((value, index) => value + move[index]!);
  }
  return centre;
}

/** What each function should give, as its paper says it, in doubles and without a thought for speed. */
export function oracle(
  spec: Exclude<AggregatorFunctionSpec, { kind: 'custom' | 'geometricMedian' }>,
  { vectors: given, weights }: Members,
): number[] {
  const vectors = given.map((vector) => [...vector]);
  const chosen = (count: number, faulty: number): number[] => krumOrder(vectors, faulty).slice(0, count);
  switch (spec.kind) {
    case 'mean':
      return weightedMean(
        vectors,
        weights.map(() => 1),
      );
    case 'weightedMean':
      return weightedMean(vectors, weights);
    case 'trimmedMean':
      return columnsOf(vectors, (column) => {
        const kept = ascending(column).slice(spec.trim, column.length - spec.trim);
        return sum(kept) / kept.length;
      });
    case 'median':
      return columnsOf(vectors, medianOf);
    case 'krum':
      return vectors[chosen(1, spec.faulty)[0]!]!;
    case 'multiKrum': {
      const best = chosen(vectors.length - spec.faulty, spec.faulty);
      return weightedMean(
        best.map((index) => vectors[index]!),
        best.map((index) => weights[index]!),
      );
    }
    case 'bulyan':
      return bulyan(vectors, spec.faulty);
    case 'centredClipping':
      return centredClipping(vectors, weights, spec.radius);
    case 'medianNormClip': {
      const middle = medianOf(vectors.map(norm));
      return weightedMean(
        vectors.map((vector) => clipped(vector, middle)),
        weights,
      );
    }
  }
}

/** What the geometric median minimises. */
export function weightedDistances(centre: Vector, { vectors, weights }: Members): number {
  return sum(vectors.map((vector, index) => weights[index]! * distance([...vector], centre)));
}
