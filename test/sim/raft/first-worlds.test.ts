import { describe } from 'vitest';
import { checkWorlds } from './check-worlds.ts';

describe('a Raft cluster in worlds that go wrong', () => checkWorlds(1, 250));
