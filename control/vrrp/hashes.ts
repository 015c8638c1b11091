// The hashes that authenticate adverts: the only file here that knows node:crypto.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Hashes } from './authenticator.js';

export const HASHES: Hashes = {
  hmacMd5: (key, message) => createHmac('md5', key).update(message).digest(),
  hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
  same: (left, right) => left.length === right.length && timingSafeEqual(left, right),
};
