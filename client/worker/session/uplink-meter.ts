/** Uploads that are remembered: enough to level out, few enough to follow a connection that changes. */
const uploadsKept = 8;
const roundTripsKept = 8;
/** What is left of an upload's time when a round trip is taken off, at least: the round trip may itself have waited. */
const shareMin = 0.1;

/** Bytes per second that this worker's uploads reach, over those of late. */
export interface UplinkMeter {
  /** An upload begins; the answer tells of its end, with 0 bytes when it failed. Several may overlap. */
  begin(nowMs: number): (bytes: number, nowMs: number) => void;
  /** A call without payload took so long: no part of an upload's duration that its size explains. */
  addRoundTrip(durationMs: number): void;
  /** `undefined` before the first upload. */
  bytesPerSecond(): number | undefined;
}

interface Stretch {
  readonly bytes: number;
  readonly durationMs: number;
}

export function createUplinkMeter(): UplinkMeter {
  const stretches: Stretch[] = [];
  const roundTrips: number[] = [];
  let underWay = 0;
  /** From here on the uplink was busy with bytes that are not in a stretch yet. */
  let busySinceMs = 0;
  return {
    begin(startedAtMs) {
      if (underWay++ === 0) busySinceMs = startedAtMs;
      return (bytes, nowMs) => {
        underWay--;
        if (bytes > 0) {
          stretches.push({ bytes, durationMs: nowMs - busySinceMs });
          if (stretches.length > uploadsKept) stretches.shift();
        }
        busySinceMs = nowMs;
      };
    },
    addRoundTrip(durationMs) {
      roundTrips.push(durationMs);
      if (roundTrips.length > roundTripsKept) roundTrips.shift();
    },
    bytesPerSecond() {
      const latencyMs = roundTrips.length === 0 ? 0 : Math.min(...roundTrips);
      let [bytes, durationMs] = [0, 0];
      for (const stretch of stretches) {
        bytes += stretch.bytes;
        durationMs += Math.max(stretch.durationMs - latencyMs, shareMin * stretch.durationMs);
      }
      // A clock of whole milliseconds may see no time pass.
      return bytes === 0 ? undefined : (bytes * 1_000) / Math.max(durationMs, 1);
    },
  };
}
