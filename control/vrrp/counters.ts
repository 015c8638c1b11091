// What one instance has counted: keepalived's counters, and which checksum form its peers use.

import type { VrrpCounters } from '../status.js';
import type { ChecksumForm, DiscardReason } from './decode.js';

export type Counters = { -readonly [Name in keyof VrrpCounters]: number };
export type ChecksumForms = Record<ChecksumForm, number>;

export const COUNTED_AS: Readonly<Record<DiscardReason, keyof VrrpCounters>> = {
  length: 'lengthErrors',
  'virtual-router-id': 'unknownVrid',
  ttl: 'ttlErrors',
  version: 'versionErrors',
  'authentication-invalid': 'authInvalidType',
  'authentication-mismatch': 'authTypeMismatch',
  'authentication-failure': 'authFailure',
  interval: 'advertIntervalErrors',
  type: 'invalidType',
  checksum: 'checksumErrors',
  destination: 'addressListErrors',
  'other-protocol': 'invalidType',
  'trailer-missing': 'authExtMissing',
  'trailer-malformed': 'authExtMalformed',
  'trailer-key': 'authExtUnknownKey',
  'trailer-proof': 'authExtInvalidHmac',
  'trailer-stale': 'authExtStale',
  'trailer-replay': 'authExtReplay',
  'unicast-source': 'unicastSourceErrors',
  'unicast-ttl': 'ttlErrors',
  'no-addresses': 'addressListErrors',
};

export function noCounts(): Counters {
  return {
    advertsReceived: 0,
    advertsSent: 0,
    becameMaster: 0,
    releasedMaster: 0,
    lengthErrors: 0,
    ttlErrors: 0,
    invalidType: 0,
    advertIntervalErrors: 0,
    addressListErrors: 0,
    checksumErrors: 0,
    versionErrors: 0,
    unknownVrid: 0,
    authInvalidType: 0,
    authTypeMismatch: 0,
    authFailure: 0,
    authExtMissing: 0,
    authExtMalformed: 0,
    authExtUnknownKey: 0,
    authExtInvalidHmac: 0,
    authExtStale: 0,
    authExtReplay: 0,
    unicastSourceErrors: 0,
    ignoredAsOwner: 0,
    fromOwnAddress: 0,
    priorityZeroReceived: 0,
    priorityZeroSent: 0,
  };
}
