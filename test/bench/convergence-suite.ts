import type { Suite } from './figure.ts';
import { convergenceFigures } from './sync/convergence.ts';

/** What every codec and strategy makes of a model for the same tokens, and what it sends for it. Takes half an hour and more. */
export const convergenceSuite: Suite = (report) => convergenceFigures(report);
