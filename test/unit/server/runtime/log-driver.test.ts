import { afterEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../../server/core/commands.ts';
import type { Event } from '../../../../server/core/events.ts';
import { createReplicatedState } from '../../../../server/core/replicated-state.ts';
import { decodeCommand, encodeCommand } from '../../../../server/runtime/command-codec.ts';
import { createLogDriver, type LogDriver } from '../../../../server/runtime/log-driver.ts';
import type { LogItem } from '../../../../server/runtime/ports.ts';
import { ScriptedLog, settled } from './scripted-log.ts';

const command: Command = { kind: 'tokenRevoked', tokenId: 't', atMs: 1 };
const clientId = 'me';
const item = (index: number, sequence: number, client = clientId): LogItem => ({
  kind: 'command',
  index,
  epoch: 2,
  bytes: encodeCommand(command),
  proposal: { clientId: client, sequence },
});
const snapshot = (index: number): LogItem => ({ kind: 'snapshot', index, epoch: 2, bytes: new Uint8Array() });

const drivers: LogDriver[] = [];
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.stop();
});

function bench() {
  const log = new ScriptedLog();
  const events: Event[] = [];
  const fatal: unknown[] = [];
  const driver = createLogDriver({
    log,
    clientId,
    encode: encodeCommand,
    decode: decodeCommand,
    restore: () => createReplicatedState(),
    post: (event) => events.push(event),
    onFatal: (error) => fatal.push(error),
  });
  drivers.push(driver);
  const told = () => {
    expect(fatal).toEqual([]);
    return events.map((event) => ('call' in event ? `${event.kind} ${event.call}` : event.kind));
  };
  return { log, driver, events, told, start: () => driver.start(() => events.push({ kind: 'tick' })) };
}

/** The driver of a log that holds nothing, of which this is no leader. */
async function started() {
  const made = bench();
  await made.start();
  made.events.length = 0;
  return made;
}

describe('a start', () => {
  it('applies the past before anything else is told', async () => {
    const { log, start, told } = bench();
    log.barrierIndex = 2;
    const done = start();
    await log.deliver(item(1, 1, 'other'));
    expect(told()).toEqual(['committed']);
    await log.deliver(item(2, 2, 'other'));
    await done;
    expect(told()).toEqual(['committed', 'committed', 'tick', 'lostLeadership']);
  });

  it('waits while nobody knows a leader', async () => {
    const { log, start, told } = bench();
    log.barrierIndex = undefined;
    const done = start();
    await settled();
    expect(told()).toEqual([]);
    log.barrierIndex = 0;
    await done;
    expect(told()).toEqual(['tick', 'lostLeadership']);
  });

  it('ends when it is stopped on the way', async () => {
    const { log, driver, start, told } = bench();
    log.barrierIndex = 7;
    const done = start();
    await settled();
    await driver.stop();
    await done;
    expect(told()).toEqual([]);
  });
});

describe('leadership', () => {
  it('is told when everything that was committed before it is delivered', async () => {
    const { log, told } = await started();
    log.barrierIndex = 2;
    await log.lead(true, 3);
    await log.deliver(item(1, 1, 'other'));
    expect(told()).toEqual(['committed']);
    await log.deliver(item(2, 2, 'other'));
    expect(told()).toEqual(['committed', 'committed', 'becameLeader']);
  });

  it('that is lost before it could be told is never told', async () => {
    const { log, told } = await started();
    log.barrierIndex = 1;
    await log.lead(true, 3);
    await log.lead(false, 3);
    await log.deliver(item(1, 1, 'other'));
    expect(told()).toEqual(['lostLeadership', 'committed']);
  });

  it('is lost at once, and before the next epoch begins', async () => {
    const { log, told, events } = await started();
    await log.lead(true, 3);
    await log.lead(true, 3);
    await log.lead(true, 5);
    expect(told()).toEqual(['becameLeader', 'lostLeadership', 'becameLeader']);
    await log.lead(false, 6);
    expect(events.at(-1)).toEqual({ kind: 'lostLeadership' });
  });
});

describe('a proposal', () => {
  it('brings its caller back with the item, and with the epoch of the entry', async () => {
    const { log, driver, events } = await started();
    log.outcomes = [{ kind: 'committed', index: 1, epoch: 2 }];
    driver.propose(command, 7);
    await settled();
    expect(events).toEqual([]);
    await log.deliver(item(1, 1));
    expect(events).toEqual([{ kind: 'committed', index: 1, epoch: 2, command, call: 7 }]);
  });

  it('fails when this coordinator does not lead', async () => {
    const { driver, told } = await started();
    driver.propose(command, 7);
    await settled();
    expect(told()).toEqual(['proposalFailed 7']);
  });

  it('of unknown fate is repeated under its number until it is known', async () => {
    const { log, driver, told } = await started();
    log.outcomes = [{ kind: 'unknown' }, { kind: 'unknown' }, { kind: 'committed', index: 1, epoch: 2 }];
    driver.propose(command, 7);
    while (log.proposals.length < 3) await settled();
    expect(new Set(log.proposals.map(({ sequence }) => sequence)).size).toBe(1);
    await log.deliver(item(1, 1));
    expect(told()).toEqual(['committed 7']);
  });

  it('that a snapshot covers is not waited for: its caller is told to look', async () => {
    const { log, driver, told, events } = await started();
    log.outcomes = [{ kind: 'committed', index: 4, epoch: 2 }];
    driver.propose(command, 7);
    await settled();
    await log.deliver(snapshot(3));
    expect(told()).toEqual(['snapshotLoaded']);
    await log.deliver(snapshot(4));
    expect(told()).toEqual(['snapshotLoaded', 'snapshotLoaded', 'proposalFailed 7']);
    expect(events.at(-1)).toMatchObject({ code: 'unavailable' });
    driver.propose(command, 8);
    await settled();
    expect(told().at(-1)).toBe('proposalFailed 8');
  });
});
