import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';
import { runScenario } from './run-scenario.ts';

const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
const begin = 'A scenario of this test.\nmembers a b c\nelect a\n';

function run(text: string): void {
  runScenario(parseScenario(text));
}

describe('scenarios', () => {
  it.each(files)('%s', (name) => {
    run(readFileSync(join(folder, name), 'utf8'));
  });
});

describe('the runner', () => {
  it.each([
    ['without a sentence', 'members a\nexpect no leader', /not a sentence/],
    ['without an expectation', begin, /Nothing is expected/],
    ['that goes on behind its last expectation', `${begin}expect leader a\nsettle`, /end is not/],
    ['with an unknown word', `${begin}dance a\nexpect leader a`, /Line 4 .* no word "dance"/],
    ['with an inherited word', `${begin}toString\nexpect leader a`, /no word/],
    ['with an unknown observation', `${begin}expect mood a: good`, /Nothing is known/],
    ['with an unknown message', `${begin}drop letter\nexpect leader a`, /no message "letter"/],
    ['with an unknown member', `${begin}expect term z: 1`, /no member z/],
    ['with a wrong expectation', `${begin}expect term a: 2`, /"1" and not "2"/],
    ['with a refusal that nobody expects', `${begin}propose b x\nexpect leader a`, /was refused/],
    ['with a refusal that does not come', `${begin}propose a x\nexpect refused`, /was not refused/],
    ['with a member that is down', `${begin}crash b\nexpect term b: 1`, /is down/],
    ['that sets up too late', `${begin}learners d\nexpect leader a`, /no word "learners"/],
  ])('fails a scenario %s', (_, text, message) => {
    expect(() => run(text)).toThrow(message);
  });
});
