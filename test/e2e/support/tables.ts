import { createRandom } from '../../../shared/base/random.ts';

/** `a,b,class` rows: three clouds of points in the plane, a little apart. */
export function cloudsCsv(rows: number, seed = 7): string {
  const random = createRandom(seed);
  const classes = ['amber', 'blue', 'coral'];
  const lines = Array.from({ length: rows }, () => {
    const index = random.below(classes.length);
    const around = (center: number): string => (center + random.unit() - random.unit()).toFixed(4);
    return `${around(2 * index)},${around(index === 1 ? 2 : 0)},${classes[index]}`;
  });
  return `a,b,class\n${lines.join('\n')}\n`;
}

/** `rooms,area,town,price` rows; the price is linear in the rest. */
export function housesCsv(rows: number, seed = 8): string {
  const random = createRandom(seed);
  const towns = ['Ahab', 'Nantucket'];
  const lines = Array.from({ length: rows }, () => {
    const rooms = 1 + random.below(6);
    const area = 20 * rooms + random.below(30);
    const town = random.below(towns.length);
    return `${rooms},${area},${towns[town]},${1_000 * rooms + 50 * area + 5_000 * town}`;
  });
  return `rooms,area,town,price\n${lines.join('\n')}\n`;
}

/** Sentences of a small grammar: text that a small model can learn. */
export function grammarText(sentences: number, seed = 9): string {
  const random = createRandom(seed);
  const pick = (words: readonly string[]): string => words[random.below(words.length)] ?? '';
  return Array.from({ length: sentences }, () => {
    const subject = pick(['The whale', 'A sailor', 'The old captain']);
    return `${subject} ${pick(['sees', 'follows', 'fears'])} ${pick(['the sea', 'a ship', 'the storm'])}.`;
  }).join('\n');
}
