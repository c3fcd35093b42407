import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codecText } from '../../../../shared/codec/codec-spec.ts';
import type { JobDocument } from '../../../../shared/job/job-document.ts';
import { parseJobDocument } from '../../../../shared/job/parse-job-document.ts';
import { stepsPerUnit } from '../../../../shared/job/unit-samples.ts';

const folder = new URL('../../../../docs/jobs/', import.meta.url);
const page = readFileSync(new URL('../../../../docs/CONFIGURATION.md', import.meta.url), 'utf8');
const read = (name: string): JobDocument => parseJobDocument(readFileSync(new URL(name, folder), 'utf8'));

describe('the example jobs of docs/jobs', () => {
  const names = readdirSync(folder);

  it.each(names)('%s is valid, and its place in the documents', (name) => {
    expect(read(name).name).toMatch(/^[a-z-]+$/);
    expect(page).toContain(`jobs/${name}`);
  });

  it('are what they are called', () => {
    const outline = (name: string) => {
      const job = read(name);
      const { kind, learningRate } = job.optimizer;
      return [
        stepsPerUnit(job) > 1,
        job.localSteps?.optimizer.kind,
        kind,
        learningRate,
        job.codec.up.map(codecText),
      ];
    };
    expect(outline('fedavg.json')).toEqual([true, 'sgd', 'sgd', 1, ['int8']]);
    expect(outline('diloco.json')).toEqual([true, 'adamw', 'nesterov', 0.7, ['int8']]);
    expect(outline('sparse-local-steps.json')).toEqual([true, 'adamw', 'nesterov', 0.7, ['topk/64/2']]);
  });
});
