import type { Suite } from './figure.ts';
import { coldRestartFigures } from './raft/cold-restart.ts';
import { failoverFigures } from './raft/failover.ts';
import { simulatedHoursFigure } from './raft/simulated-hours.ts';
import { throughputFigures } from './raft/throughput.ts';

/** The replicated log alone, as processes of its own: how fast it commits, fails over and comes back. */
export const raftSuite: Suite = {
  async throughput(report) {
    await throughputFigures(1, report);
    await throughputFigures(3, report);
  },
  failover: failoverFigures,
  async 'simulated-hours'(report) {
    simulatedHoursFigure(report);
  },
  'cold-restart': coldRestartFigures,
};
