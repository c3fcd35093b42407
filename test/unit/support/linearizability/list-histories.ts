import type { DrawnHistory } from './register-histories.ts';

/** Histories of lists of commands, drawn as `drawLists` reads them. */
export const goodListHistories: readonly DrawnHistory[] = [
  { about: 'an empty list', lines: ['a: [r]'] },
  { about: 'two commands, one after the other', lines: ['a: [+x0] [+y1] [rxy]'] },
  { about: 'two commands at once', lines: ['a: [+x1 ]', 'b: [+y0 ]', 'c:        [ryx]'] },
  { about: 'a command under way', lines: ['a: [+x0          ]', 'b:   [r] [rx]'] },
  { about: 'a command that was sent again', lines: ['a: [+x0] [+x0] [rx]'] },
  { about: 'a command that was sent again later', lines: ['a: [+x0] [+y1] [+x0] [rxy]'] },
  { about: 'a command without an answer, sent again', lines: ['a: [+x ?  [+x0] [rx]'] },
  {
    about: 'a command without an answer that takes effect late',
    lines: ['a: [+x ?', 'b:       [+y0] [ry] [ryx]'],
  },
  {
    about: 'a command without an answer that never takes effect',
    lines: ['a: [+x ?', 'b:       [+y0] [ry]'],
  },
];

export const badListHistories: readonly DrawnHistory[] = [
  { about: 'a command applied twice', lines: ['a: [+x0] [rxx]'] },
  { about: 'a repeated command applied twice', lines: ['a: [+x ?  [+x0] [rxx]'] },
  { about: 'a repeated command that is told another position', lines: ['a: [+x0] [+y1] [+x2]'] },
  { about: 'a lost command', lines: ['a: [+x0] [+y1] [ry]'] },
  { about: 'a command that vanishes', lines: ['a: [+x0        ]', 'b:   [rx] [r]'] },
  { about: 'commands in the wrong order', lines: ['a: [+x0] [+y1] [ryx]'] },
  { about: 'an order that changes', lines: ['a: [+x1   ]', 'b: [+y0   ]', 'c:   [rxy] [ryx]'] },
  { about: 'two commands in one place', lines: ['a: [+x0 ]', 'b: [+y0 ]'] },
  { about: 'a command that nobody sent', lines: ['a: [+x0] [rxz]'] },
  { about: 'a stale list', lines: ['a: [+x0] [+y1]', 'b:              [rx]'] },
  {
    about: 'a late command without an answer in the midst of what was read',
    lines: ['a: [+x ?', 'b:       [+y0] [+z1] [ryz] [ryxz]'],
  },
];
