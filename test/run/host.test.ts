// What natlb does to the host as a whole: a virtual MAC under a service, interfaces made anew, static addresses, no_accept.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../lab/process.js';
import { config } from './configs.js';
import { inPlace, type Place, SKIP, VIP } from './place.js';
import { listen, Talk } from './talk.js';

async function answers(place: Place): Promise<Talk> {
  const talk = new Talk(place);
  await until('the service answers', 10_000, () => talk.waitsMs.length > 0);
  return talk;
}

async function neighbour(place: Place): Promise<string> {
  return (await place.attemptIn('client', ['ip', 'neigh', 'show', VIP])).stdout;
}

const pinged = async (place: Place) => (await place.attemptIn('client', ['ping', '-c1', '-W1', VIP])).status === 0;

describe('the host', { skip: SKIP, concurrency: 2 }, () => {
  for (const { name, backend, words, mac } of [
    { name: 'a packet socket', backend: 'af_packet', words: 'use_vmac', mac: '00:00:5e:00:01:32' },
    { name: 'XDP', backend: 'af_xdp', words: 'use_vmac', mac: '00:00:5e:00:01:32' },
    { name: 'XDP, of a MAC of its own', backend: 'af_xdp', words: 'use_vmac 02:00:00:00:00', mac: '02:00:00:00:00:32' },
  ])
    test(`a service on a virtual MAC is served by ${name}`, () =>
      inPlace(async (place) => {
        await listen(place);
        place.write(config({ instance: words }));
        const router = place.start('--backend', backend);
        await router.serves();
        const talk = await answers(place);
        assert.match(await neighbour(place), new RegExp(mac));
        assert.equal(await pinged(place), true);
        assert.equal(talk.closed, false);
        router.kill('SIGTERM');
        assert.equal(await router.exited, 0);
        assert.deepEqual(await place.traces(), []);
      }));

  test('an interface that vanishes and returns with another index is served again', () =>
    inPlace(async (place) => {
      await listen(place);
      place.write(config());
      const router = place.start();
      await router.serves();
      await answers(place);
      await place.ip('link del eth0');
      await router.when('it is in FAULT', ({ instances: [one] }) => one?.state === 'fault');
      await place.plugClient();
      await router.logged(/Starting the data plane again: interface eth0 is there anew/);
      await router.serves();
      await answers(place);
    }));

  test('with dynamic_interfaces it starts without an interface, and serves when that comes', () =>
    inPlace(async (place) => {
      await listen(place);
      await place.ip('link del eth0');
      place.write(config({ globals: 'dynamic_interfaces' }));
      const router = place.start();
      await router.when('it is in FAULT', ({ instances: [one] }) => one?.faults[0] === 'interface eth0 does not exist');
      await place.plugClient();
      await router.serves();
      await answers(place);
    }));

  test('static addresses, routes and rules are there while it runs, and put back', () =>
    inPlace(async (place) => {
      const statics = `static_ipaddress {\n 192.0.2.1/24 dev eth1\n}
static_routes {\n 198.51.100.0/24 via 192.0.2.2 dev eth1\n}
static_rules {\n from 192.0.2.0/24 table 7 priority 70\n}\n`;
      place.write(statics + config());
      const router = place.start();
      await router.serves();
      const there = async () => {
        const route = (await place.attempt(['ip', 'route', 'show', '198.51.100.0/24'])).stdout.includes('via 192.0.2.2');
        const rule = (await place.attempt(['ip', 'rule'])).stdout.includes('70:');
        return [await place.holds('192.0.2.1'), route, rule].join();
      };
      assert.equal(await there(), 'true,true,true');
      await place.ip('rule del priority 70');
      await place.ip('route del 198.51.100.0/24');
      await until('both are back', 5_000, async () => (await there()) === 'true,true,true');
      await place.ip('addr del 192.0.2.1/24 dev eth1');
      await until('the address is back, with the route the kernel took along', 5_000, async () => (await there()) === 'true,true,true');
      assert.match(router.log, /Restoring deleted static address 192\.0\.2\.1 of eth1/);
      router.kill('SIGTERM');
      assert.equal(await router.exited, 0);
      assert.equal(await there(), 'false,false,false');
    }));

  test('with no_accept the service answers, and nothing else of its address', () =>
    inPlace(async (place) => {
      await listen(place);
      place.write(config({ instance: 'no_accept' }));
      const router = place.start();
      await router.serves();
      await answers(place);
      assert.equal(await pinged(place), false);
      place.write(config());
      router.kill('SIGHUP');
      await router.logged('Reloaded');
      await until('it answers pings', 5_000, () => pinged(place));
    }));
});
