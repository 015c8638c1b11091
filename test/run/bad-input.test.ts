// Natlb started with what cannot be run: it says what and where in one clear message, ends with a status of its own, and nothing stays behind.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { config, service } from './configs.js';
import { inPlace, type Place, PORT, type Router, SKIP, VIP } from './place.js';

interface Row {
  readonly name: string;
  /** What stands in the configuration file; sound unless given. */
  readonly file?: string | Buffer;
  /** Options that come on top. */
  readonly options?: readonly string[];
  /** Done to the place beforehand; may say which options to use. */
  readonly prepare?: (place: Place) => readonly string[] | Promise<readonly string[]>;
  readonly status: number;
  readonly says: RegExp;
  readonly skip?: string | false;
}

/** What the largest table that can be asked for takes. */
const LARGEST_TABLE_BYTES = 24 * 2 ** 30;

const TWO_INSTANCES = `${config()}
vrrp_instance TWIN {
  interface eth0
  virtual_router_id 50
  virtual_ipaddress {
    203.0.113.11
  }
}
`;

/** Wrong configurations end it with 3 before anything was touched. */
const WRONG_FILES: readonly Row[] = [
  {
    name: 'an interface that is not there',
    file: config({ interface: 'eth7' }),
    status: 3,
    says: /conf:13:13: error: there is no interface eth7/,
  },
  {
    name: 'two instances with one virtual router id on an interface',
    file: TWO_INSTANCES,
    status: 3,
    says: /conf:\d+:\d+: error: .*virtual_router_id 50/,
  },
  { name: 'two services on one address', file: config({ services: service() + service() }), status: 3, says: /conf:\d+:\d+: error: / },
  {
    name: 'an unknown keyword',
    file: config({ settings: 'flow_tabel_size 10' }),
    status: 3,
    says: /conf:9:3: error: .*flow_tabel_size[\s\S]*flow_table_size/,
  },
  { name: 'an include that does not exist', file: `include /nowhere/more.conf\n${config()}`, status: 3, says: /conf:1:9: error: / },
  {
    name: 'binary junk',
    file: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 197 + 13) % 256)),
    status: 3,
    says: /conf:1:\d+: error: /,
  },
  {
    name: 'a service without servers',
    file: config({ services: service(PORT, []) }),
    status: 3,
    says: /conf:22:1: error: this virtual server has no real_server/,
  },
  { name: 'ten megabytes of nonsense', file: 'nonsense { more nonsense }\n'.repeat(400_000), status: 3, says: /conf:1:1: error: / },
  {
    name: 'a file that is not there',
    options: ['-f', '/nowhere/keepalived.conf'],
    status: 3,
    says: /\/nowhere\/keepalived.conf: .*No such file/i,
  },
  { name: 'a directory in place of the file', options: ['-f', '/'], status: 3, says: /directory/i },
];

const ROWS: readonly Row[] = [
  ...WRONG_FILES,
  { name: 'an option there is not', options: ['--fiel', 'x'], status: 2, says: /^natlb: Unknown option '--fiel'/ },
  { name: 'a back end there is not', options: ['--backend', 'dpdk'], status: 2, says: /^natlb: --backend dpdk: expected auto/ },
  { name: 'metrics nowhere', options: ['--metrics', 'here'], status: 2, says: /^natlb: --metrics here: expected ADDRESS:PORT/ },
  {
    name: 'a run directory that cannot be made',
    options: ['--run-dir', '/sys/natlb'],
    status: 71,
    says: /Cannot run: run directory \/sys\/natlb cannot be used/,
  },
  { name: 'a file in place of the run directory', options: ['--run-dir', '/etc/passwd'], status: 71, says: /Cannot run: .*\/etc\/passwd/ },
  {
    name: 'a run directory too deep for a socket',
    options: ['--run-dir', `/tmp/${'deep'.repeat(30)}`],
    status: 71,
    says: /Cannot run: .*choose a shorter/,
  },
  {
    name: 'a metrics address of another machine',
    options: ['--metrics', '192.0.2.1:9842'],
    status: 71,
    says: /Cannot run: .*192\.0\.2\.1/,
  },
  {
    name: 'AF_XDP where there is none',
    prepare: refusingInterface,
    status: 71,
    says: /Cannot run: the data plane cannot start: .*AF_XDP on refuses/,
  },
  {
    name: 'a flow table larger than the memory',
    skip: totalmem() > LARGEST_TABLE_BYTES && 'this machine has the memory',
    file: config().replace('10000', '268435456'),
    status: 71,
    says: /Cannot run: the data plane cannot start: /,
  },
  {
    name: 'a metrics address in use',
    prepare: portTaken,
    status: 71,
    says: /Cannot run: metrics: cannot listen on 127\.0\.0\.1:9842: .*use/,
  },
  { name: 'a file in place of the control socket', prepare: fileForSocket, status: 71, says: /Cannot run: .*control.sock/ },
];

async function refusingInterface(place: Place): Promise<readonly string[]> {
  await place.ip('link add refuses type veth peer name other mtu 9000');
  await place.ip('link set refuses mtu 9000 up');
  place.write(config({ settings: 'interfaces eth0 refuses' }));
  return ['--backend', 'af_xdp'];
}

function fileForSocket(place: Place): readonly string[] {
  mkdirSync(join(place.runDir, 'control.sock'), { recursive: true });
  return [];
}

function portTaken(place: Place): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const program = "require('net').createServer().listen(9842, '127.0.0.1', () => console.log('listens'))";
    place.program('router', 'listener', program).onLine(() => resolve(['--metrics', '127.0.0.1:9842']));
  });
}

/** A PATH with node in it and nothing else. */
function withoutNft(place: Place): void {
  mkdirSync(join(place.dir, 'bin'));
  for (const program of ['bash', 'env', 'dirname', 'readlink']) symlinkSync(`/usr/bin/${program}`, join(place.dir, 'bin', program));
  symlinkSync(process.execPath, join(place.dir, 'bin', 'node'));
}

async function refused(place: Place, { says, status }: Row, router: Router): Promise<void> {
  const ended = await Promise.race([router.exited, delay(30_000, 'still running', { ref: false })]);
  assert.match(router.log, says);
  assert.equal(ended, status);
  const listeners = place.programs().map(({ pid }) => `process ${pid}`);
  assert.deepEqual(
    (await place.traces()).filter((trace) => !listeners.includes(trace)),
    [],
  );
}

describe('natlb run that cannot', { skip: SKIP, concurrency: 4 }, () => {
  for (const row of ROWS) {
    test(row.name, { skip: row.skip ?? false }, () =>
      inPlace(async (place) => {
        writeFileSync(place.file, row.file ?? config());
        const router = place.start(...(row.options ?? []), ...((await row.prepare?.(place)) ?? []));
        await refused(place, row, router);
      }),
    );
  }

  test('no nft: the kernel would answer our clients', () =>
    inPlace(async (place) => {
      place.write(config());
      withoutNft(place);
      const router = place.startWith({ PATH: join(place.dir, 'bin') });
      await refused(place, { name: '', status: 71, says: /Cannot run: .*the program 'nft' is not installed/ }, router);
    }));

  test('a run directory another natlb uses, which goes on', () =>
    inPlace(async (place) => {
      place.write(config());
      const first = place.start();
      await first.runs();
      const second = place.start();
      assert.equal(await second.exited, 71);
      await second.logged(new RegExp(`Cannot run: run directory .* is in use by another natlb \\(process ${first.pid}\\)`));
      await first.serves();
      assert.equal((await first.status()).dataplane.restarts, 0);
    }));

  test('a network namespace another natlb serves, from another run directory', () =>
    inPlace(async (place) => {
      place.write(config());
      const first = place.start();
      await first.runs();
      const second = place.start('--run-dir', join(place.dir, 'other'));
      assert.equal(await second.exited, 71);
      await second.logged(/Cannot run: another natlb runs in this network namespace/);
      await first.serves();
    }));

  test('a command there is not', () =>
    inPlace(async (place) => {
      const { status, stderr } = await place.natlb('rnu');
      assert.equal(status, 2);
      assert.match(stderr, /^natlb: no such command: rnu\n.*natlb run -f FILE/s);
    }));
});

describe('natlb run that may', { skip: SKIP }, () => {
  test('have a virtual address outside every subnet, and warns', () =>
    inPlace(async (place) => {
      place.write(config({ vips: [VIP, '192.0.2.77'] }));
      const router = place.start();
      await router.serves();
      assert.match(router.log, /conf:\d+:5: warning: virtual address 192\.0\.2\.77 is in no subnet of eth0/);
    }));
});
