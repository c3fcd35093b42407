// `npm start`: everything that a fresh clone needs, then `gradswarm up` with the same arguments.
import { buildPages, installPackages, requireNode } from './setup.mjs';

requireNode();
installPackages();
buildPages();
process.argv.splice(2, 0, 'up');
await import('./gradswarm.mjs');
