/** Something that an operator should read in the log. */
export interface PeerNotice {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

/** Tells a cause once, however often it shows: until it is resolved, or many others came in between. */
export interface Notices {
  /** `about` names whom it concerns. */
  tell(about: string, notice: PeerNotice): void;
  /** What was told about it may be told again. */
  resolve(about: string): void;
}

const rememberedMax = 256;

export function createNotices(report: (notice: PeerNotice) => void): Notices {
  /** Strangers can make up names, so what is remembered is bounded; the oldest goes first. */
  const told = new Map<string, string>();
  return {
    tell(about, notice) {
      const key = `${about}\n${notice.message}`;
      if (told.has(key)) return;
      told.set(key, about);
      const [oldest] = told.keys();
      if (told.size > rememberedMax && oldest !== undefined) told.delete(oldest);
      report(notice);
    },
    resolve(about) {
      for (const [key, whom] of told) if (whom === about) told.delete(key);
    },
  };
}
