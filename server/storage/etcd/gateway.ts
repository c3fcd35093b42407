import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { readLines, readText } from './body.ts';
import { EtcdError, errorOfAnswer, errorOfFetch } from './etcd-error.ts';
import { asObject, type JsonObject, readWatchAnswer, type WatchAnswer } from './gateway-messages.ts';

export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** How often a member is asked, each time the next one; by default all are, and one of them twice. */
  readonly attempts?: number;
  /** For one attempt. */
  readonly timeoutMs?: number;
}

/**
 * etcd's JSON gateway on one or several members. A call begins at the member that answered last, and goes on to the
 * next when it has no answer in time; so it may be carried out more than once, and calls must allow for that.
 */
export class EtcdGateway {
  readonly #endpoints: readonly string[];
  readonly #credentials: EtcdCredentials | undefined;
  #position = 0;
  #token: string | undefined;

  constructor(endpoints: readonly string[], credentials: EtcdCredentials | undefined) {
    this.#endpoints = checkEndpoints(endpoints);
    this.#credentials = credentials;
  }

  /** The member that is asked next. */
  get endpoint(): string {
    return this.#endpoints[this.#position] ?? '';
  }

  /** Turns to the next member, unless that has happened already. */
  avoid(endpoint: string): void {
    if (endpoint === this.endpoint) this.#position = (this.#position + 1) % this.#endpoints.length;
  }

  /** @throws EtcdError; `unreachable` when no member answered, which leaves open whether it was carried out. */
  async call(path: string, body: JsonObject | undefined, options: CallOptions = {}): Promise<JsonObject> {
    const failures: string[] = [];
    for (let attempt = 0; attempt < (options.attempts ?? this.#endpoints.length + 1); attempt++) {
      const { endpoint } = this;
      try {
        return await this.#authorized(endpoint, path, body, options);
      } catch (error) {
        if (!(error instanceof EtcdError) || error.reason !== 'unreachable') throw error;
        failures.push(error.message);
        this.avoid(endpoint);
        if (options.signal?.aborted) break;
      }
    }
    throw new EtcdError('unreachable', `etcd cannot be reached (${failures.join('; ')}).`);
  }

  /** Answers of a watch at the present member, until it ends or `signal` is aborted. @throws EtcdError. */
  async *watch(request: JsonObject, signal: AbortSignal): AsyncGenerator<WatchAnswer> {
    const { endpoint } = this;
    const token = await this.#authenticate(endpoint, signal);
    const attempt = deadline(signal, limits.etcdRequestTimeoutMs);
    try {
      const response = await send(endpoint, '/v3/watch', request, token, attempt.signal);
      for await (const line of readLines(response, limits.etcdResponseBytesMax, attempt.signal)) {
        attempt.hold();
        const answer = parse(endpoint, line);
        if ('error' in answer) throw errorOfAnswer(endpoint, response.status, line);
        yield readWatchAnswer(asObject(answer['result']));
      }
    } catch (error) {
      throw attempt.explain(endpoint, error);
    } finally {
      attempt.end();
    }
  }

  /** A token is given for a while only: when etcd no longer knows it, a new one is asked for, once. */
  async #authorized(
    endpoint: string,
    path: string,
    body: JsonObject | undefined,
    options: CallOptions,
  ): Promise<JsonObject> {
    const token = await this.#authenticate(endpoint, options.signal);
    try {
      return await ask(endpoint, path, body, token, options);
    } catch (error) {
      const isRefused = error instanceof EtcdError && error.reason === 'unauthenticated';
      if (!isRefused || token === undefined) throw error;
      this.#token = undefined;
      return ask(endpoint, path, body, await this.#authenticate(endpoint, options.signal), options);
    }
  }

  async #authenticate(endpoint: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#credentials === undefined || this.#token !== undefined) return this.#token;
    const { user, password } = this.#credentials;
    const request = { name: user, password };
    const signalField = signal === undefined ? {} : { signal };
    const answer = await ask(endpoint, '/v3/auth/authenticate', request, undefined, signalField);
    this.#token = String(answer['token'] ?? '');
    return this.#token;
  }
}

async function ask(
  endpoint: string,
  path: string,
  body: JsonObject | undefined,
  token: string | undefined,
  { signal, timeoutMs = limits.etcdRequestTimeoutMs }: CallOptions,
): Promise<JsonObject> {
  const attempt = deadline(signal, timeoutMs);
  try {
    const response = await send(endpoint, path, body, token, attempt.signal);
    const text = await readText(response, limits.etcdResponseBytesMax, attempt.signal);
    const answer = parse(endpoint, text);
    // Of a stream's call the error comes after the status.
    if ('error' in answer) throw errorOfAnswer(endpoint, response.status, text);
    return answer;
  } catch (error) {
    throw attempt.explain(endpoint, error);
  } finally {
    attempt.end();
  }
}

async function send(
  endpoint: string,
  path: string,
  body: JsonObject | undefined,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const answered = fetch(`${endpoint}${path}`, {
    signal,
    redirect: 'error',
    headers: {
      ...(token === undefined ? {} : { authorization: token }),
      // A member that is cut off from the others ends the watch, rather than to go on without news.
      ...(path === '/v3/watch' ? { 'grpc-metadata-hasleader': 'true' } : {}),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const response = await Promise.race([answered, rejectedBy(signal)]);
  if (response.ok) return response;
  throw errorOfAnswer(
    endpoint,
    response.status,
    await readText(response, limits.etcdResponseBytesMax, signal),
  );
}

/** `fetch` alone may forget its signal; see `body.ts`. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function parse(endpoint: string, text: string): JsonObject {
  try {
    return asObject(JSON.parse(text));
  } catch {
    throw new EtcdError(
      'unexpected',
      `${endpoint} does not answer as etcd does. Correct the address of etcd.`,
    );
  }
}

/** Ends a request after `timeoutMs`, unless it is held, or when `outer` is aborted. */
function deadline(outer: AbortSignal | undefined, timeoutMs: number) {
  const controller = new AbortController();
  let hasTimedOut = false;
  const abort = (): void => controller.abort();
  const timer = setTimeout(() => {
    hasTimedOut = true;
    abort();
  }, timeoutMs);
  outer?.addEventListener('abort', abort);
  if (outer?.aborted) abort();
  return {
    signal: controller.signal,
    hold: () => clearTimeout(timer),
    end(): void {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
      // Lets go of an answer that nobody reads to its end.
      abort();
    },
    explain(endpoint: string, error: unknown): EtcdError | GradswarmError {
      if (error instanceof GradswarmError) return error;
      if (hasTimedOut) return new EtcdError('unreachable', `${endpoint}: no answer within ${timeoutMs} ms`);
      return errorOfFetch(endpoint, error);
    },
  };
}

function checkEndpoints(endpoints: readonly string[]): readonly string[] {
  if (endpoints.length === 0 || endpoints.length > limits.etcdEndpointsMax) {
    throw new GradswarmError(
      'badRequest',
      `Name 1 to ${limits.etcdEndpointsMax} members of etcd, as http://host:2379.`,
      'etcd',
    );
  }
  return endpoints.map((endpoint) => {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '';
    if (isPlain && url.pathname === '/' && url.search === '') return url.origin;
    throw new GradswarmError(
      'badRequest',
      `"${endpoint}" is no address of etcd; give it as http://host:2379, without user or path.`,
      'etcd',
    );
  });
}
