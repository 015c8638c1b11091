// A whole natlb that tells what happens: real scripts and FIFOs, from its first to its last breath.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../lab/process.js';
import { config, service } from '../run/configs.js';
import { inPlace, type Place, PORT, SKIP } from '../run/place.js';

/** Writes down what it was told; the file grows by a line for each. */
function teller(place: Place): { readonly path: string; readonly told: () => string[] } {
  const [path, output] = [join(place.dir, 'tell'), join(place.dir, 'told')];
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${output}\n`, { mode: 0o755 });
  return { path, told: () => (existsSync(output) ? readFileSync(output, 'utf8').trimEnd().split('\n') : []) };
}

function telling(place: Place, path: string, more = ''): string {
  const globals = `enable_script_security
  script_user root
  startup_script "${path} startup"
  shutdown_script "${path} shutdown"
  enable_dbus
  notify_fifo ${place.dir}/fifo
  notify_fifo_script ${place.dir}/reader`;
  const text = config({ globals, services: service() }).replace(
    'state MASTER',
    `state MASTER\n  notify "${path} notify"\n  notify_stop "${path} stop"`,
  );
  return (
    text.replace(
      'weight 1',
      `weight 1\n    TCP_CHECK {\n      delay_loop 1\n      retry 0\n    }\n    notify_down "${path} down"\n    notify_up "${path} up"`,
    ) + more
  );
}

describe('natlb tells', { skip: SKIP, concurrency: 2 }, () => {
  test('scripts and FIFOs of its states, of its servers, and of its own start and end', () =>
    inPlace(async (place) => {
      const { path, told } = teller(place);
      const read = join(place.dir, 'read');
      writeFileSync(join(place.dir, 'reader'), `#!/bin/sh\nexec cat "$1" > ${read}\n`, { mode: 0o755 });
      place.write(telling(place, path));
      const router = place.startWith({ DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' });
      await router.serves();
      await router.logged('Cannot have the name org.keepalived.Vrrp1 on the system bus');
      assert.equal(told()[0], 'startup');
      await until('all was told', 10_000, () => told().includes('down') && told().some((line) => line.includes('MASTER')));
      const server = place.program('server', 'server', `require('net').createServer().listen(${PORT}, '0.0.0.0')`);
      await until('the server is up', 10_000, () => told().includes('up'));
      assert.deepEqual(
        told().filter((line) => line.startsWith('notify')),
        ['notify INSTANCE PUBLIC BACKUP 254', 'notify INSTANCE PUBLIC MASTER 254'],
      );
      server.kill('SIGKILL');
      await router.stop();
      assert.deepEqual(told().slice(-3).sort(), ['notify INSTANCE PUBLIC STOP 254', 'shutdown', 'stop']);
      assert.equal(told().at(-1), 'shutdown');
      const lines = readFileSync(read, 'utf8').trimEnd().split('\n');
      assert.deepEqual(
        lines.filter((line) => line.startsWith('INSTANCE')),
        ['BACKUP', 'MASTER', 'STOP'].map((state) => `INSTANCE "PUBLIC" ${state} 254`),
      );
      assert.ok(lines.includes('RS [10.11.12.1]:tcp:8080 [203.0.113.10]:tcp:8080 DOWN'), lines.join());
      assert.ok(lines.includes('VS [203.0.113.10]:tcp:8080 DOWN'), lines.join());
      assert.ok(!existsSync(join(place.dir, 'fifo')));
      assert.deepEqual(await place.traces(), []);
    }));

  test('nobody of a state that a reload does not change, and leaves no FIFO when it is killed and started again', () =>
    inPlace(async (place) => {
      const { path, told } = teller(place);
      writeFileSync(join(place.dir, 'reader'), '#!/bin/sh\nexec cat "$1"\n', { mode: 0o755 });
      place.write(telling(place, path));
      const first = place.start();
      await first.serves();
      await until('MASTER was told', 10_000, () => told().includes('notify INSTANCE PUBLIC MASTER 254'));
      const before = told().filter((line) => line.startsWith('notify')).length;
      place.write(`\n${telling(place, `${path}`, '# another line\n')}`.replace('notify_stop', '#'));
      first.kill('SIGHUP');
      await first.logged(/Reloaded/);
      assert.equal(told().filter((line) => line.startsWith('notify')).length, before);
      first.kill('SIGKILL');
      await until('it is gone', 10_000, () => !first.running);
      assert.ok(existsSync(join(place.dir, 'fifo')));
      place.write(config());
      const second = place.start();
      await second.serves();
      assert.ok(!existsSync(join(place.dir, 'fifo')));
      await second.stop();
    }));
});
