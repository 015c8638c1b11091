// The body of a big download: both ends can make it, so its hash is known without being sent.

import { createHash } from 'node:crypto';

const BLOCK_BYTES = 65_536;

/** The first `bytes` bytes of an endless body in which no two blocks are alike, so that a block lost, doubled or out of place changes the hash. */
export function* payload(bytes: number): Generator<Buffer> {
  for (let sent = 0; sent < bytes; sent += BLOCK_BYTES) {
    yield block(sent / BLOCK_BYTES).subarray(0, Math.min(BLOCK_BYTES, bytes - sent));
  }
}

export function payloadHash(bytes: number): string {
  const hash = createHash('sha256');
  for (const part of payload(bytes)) hash.update(part);
  return hash.digest('hex');
}

const pattern = createPattern();

function block(index: number): Buffer {
  const copy = Buffer.from(pattern);
  copy.writeUInt32BE(index, 0);
  return copy;
}

// Xorshift: bytes without a short period, so that no checksum is right by accident.
function createPattern(): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  let state = 0x9e3779b9;
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32BE(state | 0, at);
  }
  return bytes;
}
