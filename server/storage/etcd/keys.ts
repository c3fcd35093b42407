import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

/** The keys of one log. Everything that a follower watches is below `live`; the pieces of snapshots are not. */
export interface EtcdKeys {
  readonly prefix: string;
  /** Whose log this is, and in which format; made at the first use. */
  readonly cluster: string;
  readonly live: string;
  /** Lives by the leader's lease; its create revision is the epoch, its value the leader's id. */
  readonly leader: string;
  /** Who alone may lead next, while the key lives. */
  readonly successor: string;
  /** Coordinators by id; a key stays until its coordinator is removed. */
  readonly members: string;
  /** Index of the last entry, in decimal. */
  readonly head: string;
  /** Describes the newest snapshot. */
  readonly snapshot: string;
  /** Entries, several to a value, under the index of the last of them. */
  readonly log: string;
  readonly snapshots: string;
}

const indexDigits = 16;
const allowedPrefix = /^\/?[\w.-]+(\/[\w.-]+)*\/?$/;

/** A slash at the end of `setting` makes no difference. @throws GradswarmError `badRequest`. */
export function createKeys(setting: string): EtcdKeys {
  if (!allowedPrefix.test(setting) || setting.length > limits.nameCharactersMax) {
    throw new GradswarmError(
      'badRequest',
      `The prefix in etcd has 1 to ${limits.nameCharactersMax} characters: words of letters, digits, ".", "_" and ` +
        `"-", with "/" between them; "${setting}" has others.`,
      'etcdPrefix',
    );
  }
  const prefix = setting.replace(/\/$/, '');
  return {
    prefix,
    cluster: `${prefix}/cluster`,
    live: `${prefix}/live/`,
    leader: `${prefix}/live/leader`,
    successor: `${prefix}/live/successor`,
    members: `${prefix}/live/members/`,
    head: `${prefix}/live/head`,
    snapshot: `${prefix}/live/snapshot`,
    log: `${prefix}/live/log/`,
    snapshots: `${prefix}/snapshots/`,
  };
}

/** Numbers whose order as text is their order. */
export function padIndex(index: number): string {
  return String(index).padStart(indexDigits, '0');
}

/** The end of the range of all keys below a folder, which ends in "/". */
export function endOf(folder: string): string {
  return `${folder.slice(0, -1)}0`;
}
