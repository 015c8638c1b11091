// Health checks of a running natlb: what a ping, a script and a file say reaches the data plane.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Status } from '../../control/status.js';
import { config } from './configs.js';
import { inPlace, type Place, PORT, SKIP, VIP } from './place.js';

function service(dir: string): string {
  return `
track_file trouble {
  file ${join(dir, 'trouble')}
  weight 0
}
virtual_server ${VIP} ${PORT} {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  delay_loop 0.2
  warmup 0
  real_server 10.11.12.1 ${PORT} {
    weight 5
    inhibit_on_failure
    PING_CHECK {
    }
    MISC_CHECK {
      misc_path ${join(dir, 'check')}
      misc_dynamic
    }
    FILE_CHECK {
      track_file trouble
    }
  }
}`;
}

function say(place: Place, file: string, text: string): void {
  writeFileSync(join(place.dir, file), `${text}\n`);
}

const weightOf = ({ dataplane }: Status): number | undefined => dataplane.stats?.services[0]?.destinations[0]?.weight;
const isUp = ({ virtualServers }: Status): boolean | undefined => virtualServers[0]?.realServers[0]?.up;

describe('health checks', { skip: SKIP }, () => {
  test('reach the data plane: weights of scripts, and files that tell of trouble', () =>
    inPlace(async (place) => {
      writeFileSync(join(place.dir, 'check'), `#!/bin/sh\nexit $(cat ${join(place.dir, 'code')})\n`, { mode: 0o755 });
      say(place, 'code', '9');
      say(place, 'trouble', '0');
      place.write(config({ globals: 'script_user root', services: service(place.dir) }));
      const router = place.start();
      await router.serves();
      await router.when('the server weighs 7', (status) => isUp(status) === true && weightOf(status) === 7);
      say(place, 'code', '0');
      await router.when('it weighs 5 again', (status) => weightOf(status) === 5);
      say(place, 'trouble', '1');
      await router.when('it is down, and stays with weight 0', (status) => isUp(status) === false && weightOf(status) === 0);
      say(place, 'trouble', '0');
      await router.when('it is up again', (status) => isUp(status) === true && weightOf(status) === 5);
      say(place, 'code', '1');
      const { virtualServers } = await router.when('the script has taken it down', (status) => isUp(status) === false);
      assert.equal(virtualServers[0]?.realServers[0]?.lastFailure, 'exited with status 1');
      assert.match(router.log, /ICMP connection to \[10\.11\.12\.1\]:tcp:\d+ success\./);
      assert.match(router.log, /Misc check for \[.*\] by \[.*check\] failed with retry disabled \(exited with status 1\)\./);
    }));
});
