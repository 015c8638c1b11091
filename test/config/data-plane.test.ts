// What the configuration can ask for, the data plane takes.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadFile } from '../../control/config/file.js';
import { desired } from '../../control/reconcile/desired.js';
import { MemoryRouter, schedulers } from '../../dataplane/addon.js';
import { sourceDirectory } from './source-directory.js';

const NOTHING_KNOWN = { services: [] };
const FIRST = { generation: 1, held: [], graceMs: 0 };

function router(): MemoryRouter {
  const interfaces = [{ mac: '02:00:00:00:00:01', mtu: 1500, addresses: ['203.0.113.10'] }];
  return new MemoryRouter({ interfaces, routes: [], neighbours: [], maxFlows: 1024, takesOffload: false });
}

for (const name of ['guide.conf', 'natlb.conf', 'services.conf']) {
  test(`the data plane takes ${name}`, () => {
    const { config } = loadFile(join(sourceDirectory('golden'), name));
    const snapshot = desired(config!, NOTHING_KNOWN, FIRST);
    const dataplane = router();
    dataplane.configure(snapshot);
    assert.deepEqual(
      dataplane.stats().services.map((service) => service.name),
      snapshot.services.map((service) => service.name),
    );
  });
}

test('every scheduler of the data plane can be written, and no other', () => {
  const service = (scheduler: string): string =>
    `virtual_server 203.0.113.10 80 {\n  protocol TCP\n  lb_algo ${scheduler}\n  lb_kind NAT\n  real_server 10.11.12.1 80 {\n  }\n}\n`;
  const files = { readFile: (scheduler: string) => service(scheduler), glob: () => [] };
  const taken = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos'].filter(
    (scheduler) => loadFile(scheduler, {}, files).findings.length === 0,
  );
  assert.deepEqual([...schedulers].sort(), taken.sort());
});
