import { describe } from 'vitest';
import { checkWorlds } from './check-worlds.ts';

describe('a Raft cluster in more worlds that go wrong', () => checkWorlds(251, 250));
