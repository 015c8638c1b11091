// The device conformance suite over every kind of device: in memory, AF_PACKET, AF_XDP on native and on generic XDP.

import { join } from 'node:path';
import { describe, test } from 'node:test';

import { runCases } from './doctest.js';

const TESTS = join(import.meta.dirname, '..', '..', 'native', 'test');
const WITHOUT_ROOT = process.getuid?.() === 0 ? false : 'network namespaces need root';

const DEVICES: readonly { readonly mode: string; readonly skip: string | false }[] = [
  { mode: 'memory', skip: false },
  { mode: 'af_packet', skip: WITHOUT_ROOT },
  { mode: 'native', skip: WITHOUT_ROOT },
  { mode: 'generic', skip: WITHOUT_ROOT },
];

describe('devices', { concurrency: 1 }, () => {
  for (const { mode, skip } of DEVICES) {
    test(mode, { skip }, (t) => runCases(t, join(TESTS, 'run_device_tests'), [mode, '--', '--reporters=junit'], TESTS));
  }
});
