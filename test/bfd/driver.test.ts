// BFD on real sockets: two ends on the loopback interface, and others that are not believed.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBfd } from '../../control/bfd/driver.js';
import { encode, type Packet } from '../../control/bfd/packet.js';
import { until } from '../lab/process.js';
import { bfdInstance } from './instance.js';

const LIMIT_MS = 20_000;
const SKIP = existsSync(join(import.meta.dirname, '../../../build/Release/host.node')) ? false : 'needs the host addon to be built';

/** Both in one process: there is one port 3784. */
function pair() {
  const [left, right] = ['127.0.77.1', '127.0.77.2'];
  const common = { minRxMs: 100, minTxMs: 100, idleTxMs: 1000, multiplier: 3 };
  return [
    bfdInstance({ ...common, name: 'left', neighbor: right, source: left }),
    bfdInstance({ ...common, name: 'right', neighbor: left, source: right, passive: true }),
  ] as const;
}

async function withPair(
  story: (found: { bfd: ReturnType<typeof startBfd>; news: string[]; logs: string[] }) => Promise<void>,
): Promise<void> {
  const news: string[] = [];
  const logs: string[] = [];
  const changed = (name: string, up: boolean): number => news.push(`${name} ${up ? 'up' : 'down'}`);
  const bfd = startBfd({ instances: pair(), log: (text) => logs.push(text), changed });
  try {
    await until('both are up', LIMIT_MS, () => (bfd.isUp('left') && bfd.isUp('right')) || undefined);
    await story({ bfd, news, logs });
  } finally {
    bfd.close();
  }
}

test(
  'two ends find each other; one that goes takes the other down in time; a stranger and a far packet are not believed',
  { skip: SKIP },
  () =>
    withPair(async ({ bfd, news, logs }) => {
      const down: Packet = {
        state: 'down',
        diagnostic: 0,
        poll: false,
        final: false,
        demand: false,
        multiplier: 3,
        myDiscriminator: 9,
        yourDiscriminator: 0,
        desiredMinTxMs: 100,
        requiredMinRxMs: 100,
      };
      await send('127.0.77.9', '127.0.77.1', 255, encode(down));
      await until(
        'the stranger is told of',
        LIMIT_MS,
        () => logs.some((text) => text.includes('127.0.77.9 belongs to no session')) || undefined,
      );
      await send('127.0.77.2', '127.0.77.1', 254, encode(down));
      await until(
        'the distance is told of',
        LIMIT_MS,
        () => logs.some((text) => text.includes('(left) packet of TTL 254 discarded')) || undefined,
      );
      assert.ok(bfd.isUp('left'));
      const [left] = pair();
      bfd.reload([left]);
      assert.ok(bfd.isUp('left'), 'a session that stays is not disturbed');
      // The other end says that it is administratively down, which is no failure.
      await until('the session is down', LIMIT_MS, () => bfd.status()[0]?.state === 'down' || undefined);
      assert.ok(bfd.isUp('left'));
      assert.deepEqual([...news].sort(), ['left up', 'right up']);
    }),
);

async function send(from: string, to: string, ttl: number, bytes: Uint8Array): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, from, resolve));
  socket.setTTL(ttl);
  await new Promise<void>((resolve) => socket.send(bytes, 3784, to, () => resolve()));
  socket.close();
}
