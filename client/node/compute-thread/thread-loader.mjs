// Node 20 does not hand `--import tsx` on to threads: this first module of the thread registers the TypeScript loader
// and then loads the entry. It is JavaScript because nothing could load it otherwise.
import { register } from 'tsx/esm/api';

register();
await import('./thread-entry.ts');
