import type { Suite } from './figure.ts';
import { convergenceFigures } from './sync/convergence.ts';
import { everyRow, longRows } from './sync/convergence-cases.ts';

/** What codecs and strategies make of a model for the same tokens, and what is sent for it. Takes hours. */
export const convergenceSuite: Suite = {
  all: (report) => convergenceFigures(report, everyRow(1_500)),
  long: (report) => convergenceFigures(report, longRows(24_000)),
};
