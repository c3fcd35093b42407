import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { checkJob } from './check-job.ts';
import { type AuthoredJob, completeJobDocument } from './complete-job-document.ts';
import type { JobDocument } from './job-document.ts';
import { jobSchema } from './job-schema.ts';
import { nearestName } from './nearest-name.ts';

// Compiles the schema into code, which pages under a strict content policy may not do: keep this out of them.
const ajv = new Ajv2020({ discriminator: true, verbose: true });
const validate = ajv.compile<AuthoredJob>(jobSchema);

/**
 * Reads a job document, text or already parsed JSON, and fills in its defaults.
 * @throws GradswarmError `badRequest` with the field and the remedy, or `tooLarge`.
 */
export function parseJobDocument(input: unknown): JobDocument {
  const authored: unknown = typeof input === 'string' ? parseText(input) : input;
  if (!validate(authored)) {
    const [error] = validate.errors ?? [];
    throw error === undefined ? new GradswarmError('badRequest', 'The job is not valid.') : explain(error);
  }
  const document = completeJobDocument(authored);
  checkJob(document);
  return document;
}

function parseText(text: string): unknown {
  if (new TextEncoder().encode(text).length > limits.jobDocumentBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `A job document may have ${limits.jobDocumentBytesMax} bytes; this one is longer.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `The job document is no JSON: ${reason}.`);
  }
}

/** `/model/filters/0` as people write it: `model.filters[0]`. */
function fieldPath(instancePath: string, property?: string): string {
  const parts = instancePath.split('/').slice(1);
  if (property !== undefined) parts.push(property);
  return parts.reduce((path, part) => {
    if (/^\d+$/.test(part)) return `${path}[${part}]`;
    return path === '' ? part : `${path}.${part}`;
  }, '');
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function explain(error: ErrorObject): GradswarmError {
  const { keyword, instancePath, params, data } = error;
  const refuse = (field: string, message: string): GradswarmError =>
    new GradswarmError('badRequest', message, field === '' ? undefined : field);
  const field = fieldPath(instancePath);
  const subject = field === '' ? 'The job document' : field;
  switch (keyword) {
    case 'required': {
      const missing = fieldPath(instancePath, String(params['missingProperty']));
      return refuse(missing, `${missing} is missing${described(error, String(params['missingProperty']))}.`);
    }
    case 'additionalProperties':
      return unknownField(error);
    case 'enum':
      return refuse(
        field,
        `${field} must be one of ${listed(params['allowedValues'])}${meant(data, params['allowedValues'])}.`,
      );
    case 'discriminator':
      return unknownKind(error);
    case 'pattern':
      return refuse(
        field,
        `${field} must be 1 to 63 lower-case letters, digits and hyphens, and begin with a letter or digit; ` +
          `${JSON.stringify(data)} is not.`,
      );
    case 'minProperties':
      return refuse(field, `${field} is empty: give at least one of ${listed(knownFields(error))}.`);
    default:
      return refuse(
        field,
        `${subject} ${error.message ?? 'is not valid'}, but is ${JSON.stringify(data)?.slice(0, 80)}.`,
      );
  }
}

function knownFields({ parentSchema }: ErrorObject): string[] {
  const properties: unknown = parentSchema?.['properties'];
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function described({ parentSchema }: ErrorObject, property: string): string {
  const schema = (parentSchema?.['properties'] as Record<string, { description?: string }> | undefined)?.[
    property
  ];
  return schema?.description === undefined ? '' : `: ${schema.description.replace(/\.$/, '')}`;
}

function meant(value: unknown, known: readonly unknown[]): string {
  if (typeof value !== 'string') return '';
  const nearest = nearestName(value, known.map(String));
  return nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}`;
}

function unknownField(error: ErrorObject): GradswarmError {
  const name = String(error.params['additionalProperty']);
  const field = fieldPath(error.instancePath, name);
  const known = knownFields(error);
  const nearest = nearestName(name, known);
  const remedy = nearest === undefined ? `known here are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return new GradswarmError('badRequest', `${field} is no field of a job; ${remedy}`, field);
}

function unknownKind(error: ErrorObject): GradswarmError {
  const field = fieldPath(error.instancePath, 'kind');
  const options = error.parentSchema?.['oneOf'] as { properties: { kind: { const: string } } }[] | undefined;
  const kinds = (options ?? []).map(({ properties }) => properties.kind.const);
  const value: unknown = error.params['tagValue'];
  const given = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
  return new GradswarmError(
    'badRequest',
    `${field} ${given}, but must be one of ${listed(kinds)}${meant(value, kinds)}.`,
    field,
  );
}
