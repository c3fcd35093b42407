import { describe, expect, it } from 'vitest';
import { createPeerConsent } from '../../../../client/browser/peer-consent.ts';

/** What a browser keeps, from one visit to the next. */
function createMemory() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

describe('consent to peer connections', () => {
  it('is off until it is given, is remembered, and is forgotten when it is taken back', () => {
    const memory = createMemory();
    const first = createPeerConsent(true, () => memory);
    expect(first.isAllowed.value).toBe(false);
    first.set(true);
    const second = createPeerConsent(true, () => memory);
    expect(second.isAllowed.value).toBe(true);
    second.set(false);
    expect(createPeerConsent(true, () => memory).isAllowed.value).toBe(false);
  });

  it('means nothing without WebRTC', () => {
    const memory = createMemory();
    createPeerConsent(true, () => memory).set(true);
    const consent = createPeerConsent(false, () => memory);
    expect(consent.isAllowed.value).toBe(false);
    consent.set(true);
    expect(consent.isAllowed.value).toBe(false);
  });

  it('holds for one visit where the browser may keep nothing', () => {
    const consent = createPeerConsent(true, () => {
      throw new Error('forbidden');
    });
    expect(consent.isAllowed.value).toBe(false);
    consent.set(true);
    expect(consent.isAllowed.value).toBe(true);
  });
});
