import pino, { type Logger } from 'pino';

/** One JSON object a line on stderr, so that stdout stays the command's own. Tokens never get this far. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: false }),
  );
}
