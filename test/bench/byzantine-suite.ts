import type { Suite } from './figure.ts';
import { byzantineFigures } from './sync/byzantine.ts';

/** What aggregators leave of an accuracy when some workers lie. About three minutes. */
export const byzantineSuite: Suite = {
  alike: (report) => byzantineFigures(true, report),
  sorted: (report) => byzantineFigures(false, report),
};
