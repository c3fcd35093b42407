import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { coordinatorUrl } from '../../shared/protocol/coordinator-url.ts';

/**
 * The addresses of coordinators as a person typed them: several options, each with one or more between commas.
 * @throws GradswarmError `badRequest` with an example.
 */
export function readCoordinatorUrls(texts: readonly string[]): readonly string[] {
  const urls = texts.flatMap((text) => text.split(',')).map((text) => checkCoordinatorUrl(text.trim()));
  if (urls.length <= limits.coordinatorsMax) return urls;
  throw new GradswarmError('badRequest', `at most ${limits.coordinatorsMax} addresses are taken`, '--url');
}

function checkCoordinatorUrl(text: string): string {
  const url = coordinatorUrl(text);
  if (url !== undefined) return url;
  throw new GradswarmError(
    'badRequest',
    `must be an http or https address such as http://127.0.0.1:7077, not "${text}"`,
    '--url',
  );
}
