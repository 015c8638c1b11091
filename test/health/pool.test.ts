// Pools: who is in, with which weight, and when there is a quorum.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RealServer, VirtualServer } from '../../control/config/model.js';
import { healthOf, initialHealth, judge, members, type RealServerHealth, type ServiceHealth } from '../../control/health/pool.js';
import { quorumText } from '../../control/health/texts.js';
import { realServer, tcpChecker, virtualServer } from './models.js';

const SORRY = { address: '10.11.12.99', port: 80 };

interface PoolRow {
  readonly name: string;
  readonly service: Partial<VirtualServer>;
  /** One word per server: host part, weight; `i` = inhibit_on_failure. */
  readonly servers: string;
  readonly up: string;
  readonly quorumUp?: boolean;
  /** `d`: weight 0 because it is down. */
  readonly members: string;
}

const POOLS: readonly PoolRow[] = [
  { name: 'servers that are up, with their weights', service: {}, servers: '1:1 2:5', up: '1 2', members: '1:1 2:5' },
  { name: 'a server that is down is absent', service: {}, servers: '1:1 2:5', up: '2', members: '2:5' },
  { name: 'inhibit_on_failure keeps it with weight 0', service: {}, servers: '1i:3 2:5', up: '2', members: '1:0d 2:5' },
  { name: 'a configured weight of 0 stays', service: {}, servers: '1:0 2:5', up: '1 2', members: '1:0 2:5' },
  { name: 'nobody left and no sorry server: empty', service: {}, servers: '1:1', up: '', quorumUp: false, members: '' },
  {
    name: 'without a sorry server a lost quorum changes nothing',
    service: {},
    servers: '1:1 2:1',
    up: '1',
    quorumUp: false,
    members: '1:1',
  },
  { name: 'the sorry server is absent while there is a quorum', service: { sorryServer: SORRY }, servers: '1:1', up: '1', members: '1:1' },
  {
    name: 'the sorry server replaces those left without a quorum',
    service: { sorryServer: SORRY },
    servers: '1:1 2:1',
    up: '1',
    quorumUp: false,
    members: '99:1',
  },
  {
    name: 'inhibited servers stay with weight 0 beside the sorry server, up or not',
    service: { sorryServer: SORRY },
    servers: '1i:1 2i:1',
    up: '1',
    quorumUp: false,
    members: '1:0 2:0d 99:1',
  },
  {
    name: 'sorry_server_inhibit keeps the sorry server with weight 0 while there is a quorum',
    service: { sorryServer: SORRY, sorryServerInhibit: true },
    servers: '1:1',
    up: '1',
    members: '1:1 99:0',
  },
  {
    name: 'an inhibited sorry server serves with weight 1',
    service: { sorryServer: SORRY, sorryServerInhibit: true },
    servers: '1:1',
    up: '',
    quorumUp: false,
    members: '99:1',
  },
  {
    name: 'a sorry server that is a real server too is there once, as real server',
    service: { sorryServer: SORRY, sorryServerInhibit: true },
    servers: '1:1 99:7',
    up: '1 99',
    members: '1:1 99:7',
  },
  {
    name: 'a sorry server that is a real server too is there once, as sorry server',
    service: { sorryServer: SORRY, sorryServerInhibit: true },
    servers: '1:1 99i:7',
    up: '99',
    quorumUp: false,
    members: '99:1',
  },
];

describe('members of a pool', () => {
  for (const row of POOLS) {
    test(row.name, () => {
      const service = virtualServer({ ...row.service, realServers: readServers(row.servers) });
      assert.equal(showMembers(service, healthWith(service, readUp(row.up), row.quorumUp ?? true)), row.members);
    });
  }
});

interface QuorumRow {
  readonly name: string;
  readonly quorum: number;
  readonly hysteresis?: number;
  readonly servers: string;
  /** Who is up, one moment after the other. */
  readonly moments: readonly string[];
  readonly expected: readonly string[];
}

const QUORUMS: readonly QuorumRow[] = [
  { name: 'one server is enough by default', quorum: 1, servers: '1:1 2:1', moments: ['1', '', '2'], expected: ['up', 'lost', 'gained'] },
  { name: 'weights count, not servers', quorum: 3, servers: '1:1 2:5', moments: ['1 2', '1', '2'], expected: ['up', 'lost', 'gained'] },
  {
    name: 'within the hysteresis it stays as it was',
    quorum: 3,
    hysteresis: 1,
    servers: '1:1 2:1 3:1 4:1',
    moments: ['1 2 3 4', '1 2 3', '1 2', '1', '1 2', '1 2 3', '1 2 3 4'],
    expected: ['up', 'up', 'up', 'lost', 'down', 'down', 'gained'],
  },
  {
    name: 'is capped to the total weight',
    quorum: 10,
    servers: '1:1 2:2',
    moments: ['1 2', '2', '1 2'],
    expected: ['up', 'lost', 'gained'],
  },
  {
    name: 'hysteresis is less than the quorum',
    quorum: 2,
    hysteresis: 9,
    servers: '1:1 2:1 3:1',
    moments: ['1', '', '1 2', '1 2 3'],
    expected: ['up', 'lost', 'down', 'gained'],
  },
  { name: 'nobody up is never a quorum', quorum: 0, servers: '1:1', moments: ['', '1'], expected: ['lost', 'gained'] },
  { name: 'servers of weight 0 are nobody', quorum: 1, servers: '1:0', moments: ['1'], expected: ['lost'] },
];

describe('quorum', () => {
  for (const row of QUORUMS) {
    test(row.name, () => {
      const { quorum, hysteresis = 0 } = row;
      const service = virtualServer({ quorum, hysteresis, realServers: readServers(row.servers) });
      let was = true;
      const seen = row.moments.map((moment) => {
        const { up } = judge(service, healthWith(service, readUp(moment), was).realServers, was);
        const changed = up === was ? (up ? 'up' : 'down') : up ? 'gained' : 'lost';
        was = up;
        return changed;
      });
      assert.deepEqual(seen, row.expected);
    });
  }

  const NAME = '[203.0.113.10]:tcp:80';
  test('is logged as keepalived does', () => {
    const numbers = { quorum: 3, hysteresis: 1 };
    assert.equal(quorumText(NAME, { up: true, ...numbers, weight: 5 }, false), `Gained quorum 3+1=4 <= 5 for VS ${NAME}`);
    assert.equal(quorumText(NAME, { up: false, ...numbers, weight: 1 }, false), `Lost quorum 3-1=2 > 1 for VS ${NAME}`);
    assert.equal(quorumText(NAME, { up: false, ...numbers, weight: 1 }, true), `Starting with quorum down 3-1=2 > 1 for VS ${NAME}`);
  });
});

describe('health of a real server', () => {
  const failed = (at: number) => ({ up: false, lastFailure: { reason: `at ${at}`, at } });
  test('without checks it is up', () => {
    assert.deepEqual(healthOf(realServer({}), []), { address: '10.11.12.1', port: 80, up: true, checks: 0, failedChecks: 0 });
  });
  test('one failed check is enough to be down', () => {
    const { up, checks, failedChecks } = healthOf(realServer({}), [{ up: true }, failed(5)]);
    assert.deepEqual({ up, checks, failedChecks }, { up: false, checks: 2, failedChecks: 1 });
  });
  test('it remembers the last failure', () => {
    assert.equal(healthOf(realServer({}), [failed(5), failed(9), failed(7)]).lastFailure, 'at 9');
  });
  test('at first it is up unless a check is alpha', () => {
    const servers = [
      realServer({ checkers: [tcpChecker({})] }),
      realServer({ port: 81, checkers: [tcpChecker({}), tcpChecker({ alpha: true })] }),
    ];
    const { realServers, quorumUp } = initialHealth(virtualServer({ realServers: servers }));
    assert.deepEqual([realServers.map(({ up }) => up), quorumUp], [[true, false], true]);
    assert.equal(initialHealth(virtualServer({ realServers: servers.slice(1) })).quorumUp, false);
  });
});

const servers: fc.Arbitrary<RealServer[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 6 })
  .chain((hosts) =>
    fc.tuple(
      ...hosts.map((host) =>
        fc
          .record({ weight: fc.integer({ min: 0, max: 5 }), inhibitOnFailure: fc.boolean() })
          .map((values) => realServer({ address: `10.11.12.${host}`, ...values })),
      ),
    ),
  );
const services: fc.Arbitrary<VirtualServer> = fc
  .record({
    quorum: fc.integer({ min: 0, max: 20 }),
    hysteresis: fc.integer({ min: 0, max: 20 }),
    sorryServerInhibit: fc.boolean(),
    sorryServer: fc.option(fc.constantFrom(SORRY, { address: '10.11.12.3', port: 80 })),
    realServers: servers,
  })
  .map(({ sorryServer, ...values }) => virtualServer({ ...values, ...(sorryServer && { sorryServer }) }));
const moments = fc.array(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 20 });

describe('properties of every pool', () => {
  const lives = (check: (service: VirtualServer, health: ServiceHealth, was: boolean) => void): void => {
    fc.assert(
      fc.property(services, moments, (service, masks) => {
        let was = true;
        for (const mask of masks) {
          const up = new Set(service.realServers.map(hostOf).filter((host) => mask & (1 << (host - 1))));
          const { realServers } = healthWith(service, up, was);
          const quorumUp: boolean = judge(service, realServers, was).up;
          check(service, { ...healthWith(service, up, quorumUp), quorumUp }, was);
          was = quorumUp;
        }
      }),
      { numRuns: 300 },
    );
  };

  test('no destination is there twice', () => {
    lives((service, health) => {
      const hosts = members(service, health).map(hostOf);
      assert.equal(new Set(hosts).size, hosts.length);
    });
  });

  test('a server that is down is absent, or inhibited with weight 0, unless it is the sorry server', () => {
    lives((service, health) => {
      for (const member of members(service, health)) {
        const server = service.realServers.find((candidate) => hostOf(candidate) === hostOf(member));
        const isUp = health.realServers.some((candidate) => hostOf(candidate) === hostOf(member) && candidate.up);
        if (service.sorryServer?.address === member.address) continue;
        assert.ok(isUp || (server?.inhibitOnFailure && member.weight === 0));
      }
    });
  });

  test('real servers and the sorry server never get new flows at the same time', () => {
    lives((service, health) => {
      const serving = members(service, health).filter(({ weight }) => weight > 0);
      if (service.sorryServer === undefined || health.quorumUp) return;
      assert.deepEqual(serving, [{ ...service.sorryServer, weight: 1 }]);
    });
  });

  test('with a quorum everybody who is up serves with the configured weight', () => {
    lives((service, health) => {
      if (!health.quorumUp) return;
      const pool = members(service, health);
      for (const server of service.realServers.filter((_, index) => health.realServers[index]?.up)) {
        assert.ok(pool.some(({ address, weight }) => address === server.address && weight === server.weight));
      }
    });
  });

  test('a quorum is lost only below quorum - hysteresis and gained only from quorum + hysteresis', () => {
    lives((service, health, was) => {
      const { up, quorum, hysteresis, weight } = judge(service, health.realServers, was);
      if (was && !up) assert.ok(weight < quorum - hysteresis || weight === 0);
      if (!was && up) assert.ok(weight >= quorum + hysteresis);
      if (up) assert.ok(weight > 0);
    });
  });

  test('without hysteresis it can always come back when everybody is up', () => {
    fc.assert(
      fc.property(services, (service) => {
        const all = new Set(service.realServers.map(hostOf));
        const sum = service.realServers.reduce((total, { weight }) => total + weight, 0);
        const plain = { ...service, hysteresis: 0 };
        assert.equal(judge(plain, healthWith(plain, all, false).realServers, false).up, sum > 0);
      }),
    );
  });
});

function readServers(words: string): RealServer[] {
  return words.split(' ').map((word) => {
    const [, host, inhibit, weight] = /^(\d+)(i?):(\d+)$/.exec(word)!;
    return realServer({ address: `10.11.12.${host}`, weight: Number(weight), inhibitOnFailure: inhibit === 'i' });
  });
}

function readUp(words: string): Set<number> {
  return new Set(words.split(' ').filter(Boolean).map(Number));
}

function healthWith(service: VirtualServer, up: ReadonlySet<number>, quorumUp: boolean): ServiceHealth {
  const realServers = service.realServers.map((server): RealServerHealth => healthOf(server, [{ up: up.has(hostOf(server)) }]));
  return { name: service.name, quorumUp, realServers };
}

function showMembers(service: VirtualServer, health: ServiceHealth): string {
  return members(service, health)
    .map((member) => `${hostOf(member)}:${member.weight}${member.down ? 'd' : ''}`)
    .join(' ');
}

function hostOf({ address }: { readonly address: string }): number {
  return Number(address.split('.')[3]);
}
