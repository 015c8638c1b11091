// `natlb flows`: what is typed becomes a filter, and what comes back becomes lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { streamFlows } from '../../control/cli/client.js';
import { flows } from '../../control/cli/flows.js';
import type { FlowsRequest } from '../../control/requests.js';
import { FLOW } from './handlers.js';
import { recorder } from './recorder.js';

const TEMPLATE = { ...FLOW, template: true, protocol: 'ip', state: 'NONE', client: { address: '2001:db8:1::', port: 0 } } as const;
const LONG = { ...FLOW, client: { address: '2001:db8:1:2:3:4:5:6', port: 51_514 }, service: { address: '2001:db8::10', port: 80 } };

async function run(typed: string) {
  const io = recorder();
  const asked: Omit<FlowsRequest, 'what'>[] = [];
  const streaming: typeof streamFlows = async function* (_runDir, request) {
    asked.push(request);
    yield [FLOW];
    yield [TEMPLATE, LONG];
    return 3;
  };
  const words = typed.split(' ').filter((word) => word !== '');
  const status = await flows(words, io, streaming);
  return { status, asked: asked[0], printed: io.printed(), complained: io.complained() };
}

const SCREEN = `\
PROTO STATE             EXPIRES CLIENT                SERVICE               SERVER
tcp   ESTABLISHED       899s    192.0.2.1:40000       203.0.113.10:80       10.11.12.1:8080
ip    template          899s    2001:db8:1::          203.0.113.10:80       10.11.12.1:8080
tcp   ESTABLISHED       899s    [2001:db8:1:2:3:4:5:6]:51514 [2001:db8::10]:80     10.11.12.1:8080
`;

test('flows: a line each, templates among them', async () => {
  const { status, asked, printed } = await run('');
  assert.equal(status, 0);
  assert.deepEqual(asked, { filter: {}, listed: true });
  assert.equal(printed, SCREEN);
});

test('flows: --json is a line of JSON each and nothing else', async () => {
  const { printed } = await run('--json');
  const lines = printed.split('\n').slice(0, -1);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [FLOW, TEMPLATE, LONG],
  );
});

test('flows: --count is their number, and no flow is asked for', async () => {
  const { asked, printed } = await run('--count --state syn_recv');
  assert.deepEqual(asked, { filter: { state: 'SYN_RECV' }, listed: false });
  assert.match(printed, /3\n$/);
});

for (const typed of ['', '--json', '--count']) {
  test(`flows: "natlb flows ${typed}" prints nothing when nobody answers`, async () => {
    const io = recorder();
    const streaming: typeof streamFlows = async function* () {
      yield* [];
      throw new Error('natlb is not running');
    };
    const words = typed.split(' ').filter((word) => word !== '');
    assert.equal(await flows(words, io, streaming), 1);
    assert.equal(io.complained(), 'natlb flows: natlb is not running\n');
    assert.equal(io.printed(), '');
  });
}

const v4 = { address: '198.51.100.7', port: 0, prefixLength: 32 };
const v6 = { address: '2001:db8::7', port: 0, prefixLength: 128 };

const FILTERS = [
  { typed: '--service web', filter: { name: 'web' } },
  { typed: '--service [203.0.113.10]:tcp:80', filter: { name: '[203.0.113.10]:tcp:80' } },
  { typed: '--service 203.0.113.10:80', filter: { service: { address: '203.0.113.10', port: 80 } } },
  { typed: '--service [2001:DB8::10]:80', filter: { service: { address: '2001:db8::10', port: 80 } } },
  { typed: '--client 198.51.100.7', filter: { client: v4 } },
  { typed: '--client 198.51.100.7:51514', filter: { client: { ...v4, port: 51_514 } } },
  { typed: '--client 198.51.100.7/24', filter: { client: { ...v4, prefixLength: 24 } } },
  { typed: '--client 198.51.100.7/24:443', filter: { client: { ...v4, port: 443, prefixLength: 24 } } },
  { typed: '--client 0.0.0.0/0', filter: { client: { address: '0.0.0.0', port: 0, prefixLength: 0 } } },
  { typed: '--client 2001:db8::7', filter: { client: v6 } },
  { typed: '--client 2001:db8::7/64', filter: { client: { ...v6, prefixLength: 64 } } },
  { typed: '--client [2001:db8::7]:443', filter: { client: { ...v6, port: 443 } } },
  { typed: '--client [2001:db8::7/64]:443', filter: { client: { ...v6, port: 443, prefixLength: 64 } } },
  { typed: '--client [2001:db8::7]/64:443', filter: { client: { ...v6, port: 443, prefixLength: 64 } } },
  { typed: '--server 10.11.12.1', filter: { server: { address: '10.11.12.1', port: 0 } } },
  { typed: '--server [fd00::1]:8080 --state ESTABLISHED', filter: { server: { address: 'fd00::1', port: 8080 }, state: 'ESTABLISHED' } },
] as const;

for (const { typed, filter } of FILTERS) {
  test(`flows: "natlb flows ${typed}" asks for ${JSON.stringify(filter)}`, async () => {
    const { asked, complained } = await run(typed);
    assert.deepEqual(asked?.filter, filter, complained);
  });
}

const REFUSED = [
  { typed: '--client', complaint: /argument missing/ },
  { typed: '--client web', complaint: /--client web: expected ADDRESS\[\/LENGTH\]\[:PORT\]/ },
  { typed: '--client 198.51.100.7/33', complaint: /at most 32 bits/ },
  { typed: '--client 198.51.100.7/', complaint: /expected ADDRESS/ },
  { typed: '--client 198.51.100.7/24/8', complaint: /expected ADDRESS/ },
  { typed: '--client 198.51.100.7:0', complaint: /expected ADDRESS/ },
  { typed: '--server 10.11.12.1:65536', complaint: /--server 10\.11\.12\.1:65536: expected ADDRESS\[:PORT\]/ },
  { typed: '--server 10.11.12.0/24', complaint: /--server 10\.11\.12\.0\/24: expected/ },
  { typed: '--colour', complaint: /Unknown option '--colour'/ },
] as const;

for (const { typed, complaint } of REFUSED) {
  test(`flows: "natlb flows ${typed}" is refused before anybody is asked`, async () => {
    const { status, asked, printed, complained } = await run(typed);
    assert.equal(status, 2);
    assert.match(complained, complaint);
    assert.equal(printed, '');
    assert.equal(asked, undefined);
  });
}
