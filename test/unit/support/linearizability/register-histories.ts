/** Histories of registers, drawn as `drawRegisters` reads them. */
export interface DrawnHistory {
  readonly about: string;
  readonly lines: readonly string[];
}

export const goodRegisterHistories: readonly DrawnHistory[] = [
  { about: 'nothing at all', lines: ['a:'] },
  { about: 'a read before any write', lines: ['a: [r-]'] },
  { about: 'a write, then a read', lines: ['a: [w1] [r1]'] },
  { about: 'a read that sees a write under way', lines: ['a: [w1      ]', 'b:   [r1]'] },
  { about: 'a read that does not yet see a write under way', lines: ['a: [w1      ]', 'b:   [r-]'] },
  { about: 'reads before and after a write takes effect', lines: ['a: [w1           ]', 'b:   [r-] [r1]'] },
  { about: 'writes at once, the first drawn last', lines: ['a: [w1   ]', 'b: [w2   ]', 'c:         [r1]'] },
  { about: 'writes at once, the first drawn first', lines: ['a: [w1   ]', 'b: [w2   ]', 'c:         [r2]'] },
  {
    about: 'a write that takes effect between two others',
    lines: ['a: [w1] [w2] [w3]', 'b:   [w4        ]', 'c:     [r1] [r4][r3]'],
  },
  { about: 'a write without an answer that took effect', lines: ['a: [w1 ?', 'b:      [r1]'] },
  { about: 'a write without an answer that did not', lines: ['a: [w1 ?', 'b:      [r-]'] },
  {
    about: 'a write without an answer that takes effect late',
    lines: ['a: [w1 ?', 'b:      [w2] [r2] [r1]'],
  },
  {
    about: 'two writes without an answer, in either order',
    lines: ['a: [w1 ?', 'b: [w2 ?', 'c:      [r2] [r1]'],
  },
  {
    about: 'a write that must be late although it was called first',
    lines: ['a: [w1                ]', 'b:   [w2] [r2]  [r2]', 'c:                    [r1]'],
  },
  { about: 'a compare-and-set that sets', lines: ['a: [w1] [c12+] [r2]'] },
  { about: 'a compare-and-set on nothing', lines: ['a: [c-1+] [r1]'] },
  { about: 'a compare-and-set that finds another value', lines: ['a: [w1] [c23-] [r1]'] },
  {
    about: 'of two compare-and-sets at once, one',
    lines: ['a: [w1] [c12+  ]', 'b:      [c13-  ]', 'c:              [r2]'],
  },
  {
    about: 'compare-and-sets at once that chain',
    lines: ['a: [w1] [c12+  ]', 'b:      [c23+  ]', 'c:              [r3]'],
  },
  {
    about: 'a compare-and-set without an answer that enables another',
    lines: ['a: [w1] [c12 ?', 'b:            [c23+] [r3]'],
  },
  {
    about: 'a compare-and-set that fails because of a write under way',
    lines: ['a: [w1] [w2      ]', 'b:        [c13-]'],
  },
  { about: 'two objects that do not touch', lines: ['a: [w1/x] [r-/y]', 'b:           [w2/y] [r1/x]'] },
  { about: 'operations that touch at one time', lines: ['a: [w1]', 'b:    [r-]'] },
  {
    about: 'a value written twice',
    lines: ['a: [w1] [w2] [w1      ]', 'b:          [r2][r1]'],
  },
];

export const badRegisterHistories: readonly DrawnHistory[] = [
  { about: 'a value out of thin air', lines: ['a: [w1] [r2]'] },
  { about: 'a read that misses a write', lines: ['a: [w1]', 'b:      [r-]'] },
  { about: 'a stale read', lines: ['a: [w1] [w2]', 'b:           [r1]'] },
  { about: 'reads that go back', lines: ['a: [w1          ]', 'b:   [r1] [r-]'] },
  { about: 'reads of two clients that go back', lines: ['a: [w1          ]', 'b:   [r1]', 'c:        [r-]'] },
  { about: 'a value that is seen before it is written', lines: ['a:      [w1]', 'b: [r1]'] },
  { about: 'a value that comes back', lines: ['a: [w1] [w2]', 'b:           [r2] [r1]'] },
  {
    about: 'two clients that see two writes in different orders',
    lines: ['a: [w1   ]', 'b: [w2   ]', 'c:   [r1 ] [r2]', 'd:   [r2 ] [r1]', 'e:              [r1]'],
  },
  { about: 'a lost update', lines: ['a: [w1] [c12+]', 'b:      [c13+]'] },
  { about: 'a compare-and-set on a value that is gone', lines: ['a: [w1] [w2] [c13+]'] },
  { about: 'a compare-and-set that should have set', lines: ['a: [w1] [c12-]'] },
  { about: 'an update that nobody sees', lines: ['a: [w1] [c12+] [r1]'] },
  { about: 'a failed compare-and-set that sets', lines: ['a: [w1] [c32-] [r2]'] },
  {
    about: 'a chain of compare-and-sets in the wrong order',
    lines: ['a: [w1] [c23+]', 'b:             [c12+]'],
  },
  { about: 'a compare-and-set that sets twice', lines: ['a: [w1] [c12+] [w1]', 'b:                  [r2]'] },
  {
    about: 'a write without an answer that comes back after it was overwritten',
    lines: ['a: [w1 ?', 'b:      [r1] [w2] [r2] [r1]'],
  },
  { about: 'a write without an answer that is seen before its call', lines: ['a:      [w1 ?', 'b: [r1]'] },
  {
    about: 'two writes without an answer of which one takes effect twice',
    lines: ['a: [w1 ?', 'b: [w2 ?', 'c:      [r1] [r2] [r1]'],
  },
  {
    about: 'a compare-and-set without an answer that can have set only once',
    lines: ['a: [w1] [c12 ?', 'b:            [r2] [w1] [r2]'],
  },
  {
    about: 'a violation on one object of two',
    lines: ['a: [w1/x] [w2/y]', 'b:                  [r1/x] [r-/y]'],
  },
  {
    about: 'a stale read long after a good beginning',
    lines: ['a: [w1] [r1] [w2] [r2] [w3] [r3] [w4] [r4]', 'b:                                        [r3]'],
  },
  {
    about: 'a write that was answered before it took effect',
    lines: ['a: [w1]     [w2]', 'b:      [r-]', 'c:               [r1] [r2]'],
  },
];
