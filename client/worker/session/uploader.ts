/** Lets a few uploads go on while the next unit is computed. */
export interface Uploader {
  /** Starts `task` once fewer than the bound are under way; resolves when it has started. `task` must not reject. */
  start(task: () => Promise<void>): Promise<void>;
  /** Resolves when nothing is under way. */
  drain(): Promise<void>;
}

export function createUploader(underWayMax: number): Uploader {
  const underWay = new Set<Promise<void>>();
  return {
    async start(task) {
      while (underWay.size >= underWayMax) await Promise.race(underWay);
      const upload = task().finally(() => underWay.delete(upload));
      underWay.add(upload);
    },
    async drain() {
      while (underWay.size > 0) await Promise.race(underWay);
    },
  };
}
