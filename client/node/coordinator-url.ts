import { GradswarmError } from '../../shared/base/errors.ts';

/**
 * The address of a coordinator as a person typed it.
 * @throws GradswarmError `badRequest` with an example.
 */
export function checkCoordinatorUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new GradswarmError(
    'badRequest',
    `must be an http or https address such as http://127.0.0.1:7077, not "${text}"`,
    '--url',
  );
}
