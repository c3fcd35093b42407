// `npm start`: everything that a fresh clone needs is done by the command itself; this only names it.
process.argv.splice(2, 0, 'up');
await import('./gradswarm.mjs');
