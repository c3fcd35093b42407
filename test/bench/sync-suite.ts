import type { Suite } from './figure.ts';
import { adaptivePolicyFigures } from './sync/adaptive-policy.ts';
import { bytesPerRoundFigures } from './sync/bytes-per-round.ts';
import { churnFigures } from './sync/churn.ts';
import { goodputFigures } from './sync/goodput.ts';
import { idleSocketFigures } from './sync/idle-sockets.ts';
import { leaderTrafficFigures } from './sync/leader-traffic.ts';
import { ringFigures } from './sync/ring.ts';
import { thousandWorkersFigures } from './sync/thousand-workers.ts';

/** Gradient synchronisation: what travels, what it costs the coordinator, and what the model makes of it. */
export const syncSuite: Suite = {
  'bytes-per-round': bytesPerRoundFigures,
  goodput: goodputFigures,
  'thousand-workers': thousandWorkersFigures,
  'idle-sockets': idleSocketFigures,
  ring: ringFigures,
  'leader-traffic': leaderTrafficFigures,
  churn: churnFigures,
  'adaptive-policy': adaptivePolicyFigures,
};
