import { describe, expect, it } from 'vitest';
import { parseIceServer } from '../../../../shared/protocol/ice-server.ts';

describe('a server for connections between members', () => {
  it.each([
    ['stun:stun.example.org', { urls: ['stun:stun.example.org'] }],
    ['stun:[2001:db8::1]:3478', { urls: ['stun:[2001:db8::1]:3478'] }],
    [
      'turns:grid:s%3Acret@turn.example.org:5349?transport=tcp',
      { urls: ['turns:turn.example.org:5349?transport=tcp'], username: 'grid', credential: 's:cret' },
    ],
  ])('%s', (text, server) => {
    expect(parseIceServer(text)).toEqual(server);
  });

  it.each([
    ['no scheme', 'stun.example.org:3478'],
    ['another scheme', 'https://stun.example.org'],
    ['no host', 'stun:'],
    ['a host with a space', 'stun:stun example.org'],
    ['port 0', 'stun:stun.example.org:0'],
    ['a port out of range', 'stun:stun.example.org:65536'],
    ['a password for STUN', 'stun:grid:secret@stun.example.org'],
    ['TURN without a password', 'turn:turn.example.org:3478'],
    ['an unknown transport', 'turn:grid:secret@turn.example.org?transport=sctp'],
    ['a broken escape', 'turn:grid:%zz@turn.example.org'],
    ['something after it', 'stun:stun.example.org/path'],
  ])('is not one with %s', (_, text) => {
    expect(parseIceServer(text)).toBeUndefined();
  });
});
