// Addresses and links by netlink, against the kernel.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cable, eventually, Namespace, SKIP } from './namespaces.js';

interface ListedAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly tentative?: boolean;
  readonly deprecated?: boolean;
}

describe('host by netlink', { skip: SKIP }, () => {
  let here: Namespace;
  let there: Namespace;

  before(async () => {
    here = new Namespace('here');
    there = new Namespace('there');
    cable(here, 'a0', ['10.1.0.1/24', '2001:db8::1/64'], there, 'b0', []);
    here.ip('link set a0 address 02:00:00:00:00:0a');
    await here.do('open');
  });

  after(async () => {
    await here?.remove();
    await there?.remove();
  });

  function listed(address: string): ListedAddress | undefined {
    const [link] = JSON.parse(here.ip('-j addr show dev a0')) as { addr_info: ListedAddress[] }[];
    return link?.addr_info.find(({ local }) => local === address);
  }

  test('an interface is shown with its index, MAC, MTU and addresses', async () => {
    const a0 = await here.do('interface', 'a0');
    assert.equal(a0?.mac, '02:00:00:00:00:0a');
    assert.equal(a0?.mtu, 1500);
    assert.deepEqual(
      a0?.addresses.filter(({ scope }) => scope === 'global'),
      [
        { address: '10.1.0.1', prefixLength: 24, family: 4, scope: 'global' },
        { address: '2001:db8::1', prefixLength: 64, family: 6, scope: 'global' },
      ],
    );
    assert.deepEqual((await here.do('interfaces')).map(({ name }) => name).sort(), ['a0', 'lo']);
    assert.equal(await here.do('interface', 'nope0'), undefined);
  });

  test('an address appears and vanishes, and is seen at once', async () => {
    await here.do('addAddress', 'a0', '10.1.0.10', 32);
    assert.equal(listed('10.1.0.10')?.prefixlen, 32);
    assert.ok((await here.do('interface', 'a0'))?.addresses.some(({ address }) => address === '10.1.0.10'));
    await here.do('removeAddress', 'a0', '10.1.0.10', 32);
    assert.equal(listed('10.1.0.10'), undefined);
    assert.ok(!(await here.do('interface', 'a0'))?.addresses.some(({ address }) => address === '10.1.0.10'));
  });

  test('an IPv6 address is usable at once, and no source of connections when it is a /128', async () => {
    await here.do('addAddress', 'a0', '2001:db8::10', 128);
    assert.equal(listed('2001:db8::10')?.tentative, undefined);
    assert.equal(listed('2001:db8::10')?.deprecated, true);
    await here.do('addAddress', 'a0', '2001:db8::11', 64);
    assert.equal(listed('2001:db8::11')?.deprecated, undefined);
    await here.do('removeAddress', 'a0', '2001:db8::10', 128);
    assert.equal(listed('2001:db8::10'), undefined);
  });

  test('what is there already, or gone already, is no error', async () => {
    await here.do('addAddress', 'a0', '10.1.0.11', 24);
    await here.do('addAddress', 'a0', '10.1.0.11', 24);
    await here.do('removeAddress', 'a0', '10.1.0.11', 24);
    await here.do('removeAddress', 'a0', '10.1.0.11', 24);
    await here.do('removeAddress', 'nope0', '10.1.0.11', 24);
  });

  test('what cannot be done is said in words', async () => {
    await assert.rejects(
      here.do('addAddress', 'nope0', '10.1.0.12', 32),
      /cannot add 10\.1\.0\.12\/32 to nope0: there is no such interface/,
    );
    await assert.rejects(here.do('addAddress', 'a0', '10.1.0.12', 33), /cannot add 10\.1\.0\.12\/33 to a0: /);
  });

  test('the loss of carrier is told, and its return', async () => {
    assert.equal((await here.do('interface', 'a0'))?.up, true);
    const before = await here.do('changes');
    there.ip('link set b0 down');
    assert.ok(await eventually(async () => (await here.do('interface', 'a0'))?.up === false));
    assert.ok((await here.do('changes')) > before);
    there.ip('link set b0 up');
    assert.ok(await eventually(async () => (await here.do('interface', 'a0'))?.up === true));
  });

  test('a new interface is told, and its end', async () => {
    here.ip('link add c0 type veth peer name c1');
    assert.ok(await eventually(async () => (await here.do('interface', 'c0')) !== undefined));
    here.ip('link del c0');
    assert.ok(await eventually(async () => (await here.do('interface', 'c0')) === undefined));
  });

  test('a filter passes the hop limits it is for, and no others', async () => {
    assert.deepEqual(await here.do('hopLimitsPassed', [254, 255, 1, 64, 255], 255, 255), [255, 255]);
    assert.deepEqual(await here.do('hopLimitsPassed', [59, 60, 61, 64, 65, 255], 60, 64), [60, 61, 64]);
    assert.deepEqual(await here.do('hopLimitsPassed', [1, 254, 255], 0, 254), [1, 254]);
  });

  test('who has stopped listening is told nothing, nor is anybody after the end', async () => {
    await here.do('stopListening');
    const before = await here.do('changes');
    await here.do('addAddress', 'a0', '10.1.0.13', 32);
    assert.equal(await here.do('changes'), before);
    await here.do('close');
    here.ip('addr add 10.1.0.14/32 dev a0');
    await here.do('addAddress', 'a0', '10.1.0.15', 32);
    assert.equal(listed('10.1.0.15')?.prefixlen, 32);
  });
});

describe('host in a thread', () => {
  test('a thread that ends without closing its host does no harm', async () => {
    const netlink = JSON.stringify(join(import.meta.dirname, '../../control/host/netlink.js'));
    const worker = new Worker(`import(${netlink}).then(({ openHost }) => { globalThis.kept = openHost(); })`, { eval: true });
    assert.deepEqual(await once(worker, 'exit'), [0]);
  });
});
