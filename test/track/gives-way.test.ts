// natlb in a network with keepalived as the other router: what is tracked decides which of them is master.

import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Program, until } from '../lab/process.js';
import { inPlace, SKIP as NEEDS_ROOT, type Place, VIP } from '../run/place.js';

const SKIP = NEEDS_ROOT || (existsSync('/usr/sbin/keepalived') ? false : 'needs keepalived');
const LIMIT_MS = 20_000;

interface Story {
  readonly name: string;
  /** At the top of natlb's file, and in its instance; $DIR is the test's own directory. */
  readonly top: string;
  readonly tracking: string;
  /** What keepalived has besides its instance. */
  readonly peer?: string;
  readonly break: (place: Place) => void | Promise<void>;
  readonly mend: (place: Place) => void | Promise<void>;
  /** What `natlb status` shows when it is broken. */
  readonly shown: RegExp;
}

const flag = (place: Place): string => join(place.dir, 'flag');
const raise = (place: Place): void => writeFileSync(flag(place), '0');
const remove = (place: Place): void => rmSync(flag(place));

const STORIES: readonly Story[] = [
  {
    name: 'a script with a weight that fails makes natlb the lesser router',
    top: 'vrrp_script chk {\n  script "/usr/bin/test -e $DIR/flag"\n  interval 0.3\n  weight -60\n  user root\n}',
    tracking: 'track_script {\n    chk\n  }',
    break: remove,
    mend: raise,
    shown: /script +chk +NOT OK +for VI +exit status 1/,
  },
  {
    name: 'a script without a weight that fails puts natlb in FAULT',
    top: 'vrrp_script chk {\n  script "/usr/bin/test -e $DIR/flag"\n  interval 0.3\n  user root\n}',
    tracking: 'track_script {\n    chk\n  }',
    break: remove,
    mend: raise,
    shown: /VI +FAULT .*tracked script chk fails/,
  },
  {
    name: 'a number in a file is taken from the priority',
    top: 'track_file f {\n  file $DIR/flag\n}',
    tracking: 'track_file {\n    f\n  }',
    break: (place) => writeFileSync(flag(place), '-70\n'),
    mend: raise,
    shown: /file +f +-70 +for VI/,
  },
  {
    name: 'an interface that is tracked and goes down longer than its delay is a fault',
    top: 'interface_up_down_delays {\n  eth1 0.4 0.4\n}',
    tracking: 'track_interface {\n    eth1\n  }',
    break: (place) => place.ip('link set eth1 down'),
    mend: (place) => place.ip('link set eth1 up'),
    shown: /VI +FAULT .*tracked interface eth1 is down/,
  },
  {
    name: 'a BFD session with keepalived that ends takes its weight with it',
    top: 'bfd_instance peer {\n  neighbor_ip 203.0.113.254\n  source_ip 203.0.113.9\n  min_rx 100\n  min_tx 100\n  multiplier 3\n}',
    tracking: 'track_bfd {\n    peer weight 60\n  }\n  priority 60',
    peer: 'bfd_instance natlb {\n neighbor_ip 203.0.113.9\n source_ip 203.0.113.254\n min_rx 100\n min_tx 100\n multiplier 3\n}',
    break: (place) => filter(place, 'add'),
    mend: (place) => filter(place, 'delete'),
    shown: /bfd +peer +NOT OK +for VI/,
  },
];

function natlbConfig({ top, tracking }: Story, dir: string): string {
  return `global_defs {\n  vrrp_version 3\n}\nnatlb {\n  flow_table_size 10000\n}
${top}
vrrp_instance VI {
  interface eth0
  virtual_router_id 50
  priority 150
  advert_int 0.3
  virtual_ipaddress {
    ${VIP}
  }
  ${tracking}
}
`.replaceAll('$DIR', dir);
}

function peerConfig({ peer = '' }: Story): string {
  return `global_defs {\n router_id PEER\n vrrp_version 3\n}
${peer}
vrrp_instance VI {
 interface eth0
 virtual_router_id 50
 priority 100
 advert_int 0.3
 virtual_ipaddress {
  ${VIP}
 }
}
`;
}

describe('natlb gives way to keepalived, and comes back:', { skip: SKIP, concurrency: 2 }, () => {
  for (const story of STORIES)
    test(story.name, () =>
      inPlace(async (place) => {
        raise(place);
        place.write(natlbConfig(story, place.dir));
        const router = place.start();
        const keepalived = startPeer(place, story);
        const master = async (): Promise<string> =>
          `${(await place.holds(VIP)) ? 'natlb' : ''}${(await peerHolds(place)) ? 'keepalived' : ''}`;
        await is('natlb', master, router);
        await story.break(place);
        await is('keepalived', master, router);
        assert.match((await place.natlb('status', '--run-dir', place.runDir)).stdout, story.shown);
        await story.mend(place);
        await is('natlb', master, router);
        assert.ok(keepalived.running);
      }),
    );
});

async function is(wanted: string, master: () => Promise<string>, router: Program): Promise<void> {
  await until(`the master is ${wanted}`, LIMIT_MS, async () => (await master()) === wanted || undefined).catch(async (problem: Error) => {
    throw new Error(`${problem.message}, but ${(await master()) || 'nobody'}\n${router.tail(30)}`);
  });
}

function startPeer(place: Place, story: Story): Program {
  const file = join(place.dir, 'peer.conf');
  writeFileSync(file, peerConfig(story));
  const pids = ['-p', '-r', '-b'].flatMap((option) => [option, join(place.dir, `peer${option}.pid`)]);
  const only = story.peer === undefined ? ['-P'] : [];
  return place.run('client', 'keepalived', ['keepalived', ...only, '-n', '-l', '-D', '-f', file, ...pids]);
}

async function peerHolds(place: Place): Promise<boolean> {
  const { stdout } = await place.attemptIn('client', ['ip', '-o', 'addr']);
  return stdout.includes(` ${VIP}/`);
}

/** Of what the neighbour sends for BFD, nothing else. */
async function filter(place: Place, what: 'add' | 'delete'): Promise<void> {
  if (what === 'add')
    await place.attempt([
      'nft',
      'add table ip bfdtest; add chain ip bfdtest in { type filter hook input priority 0; }; add rule ip bfdtest in udp dport 3784 drop',
    ]);
  else await place.attempt(['nft', 'delete table ip bfdtest']);
}
