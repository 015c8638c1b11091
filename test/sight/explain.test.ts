// `natlb explain`: the pipeline's own answer in words, and that asking changes nothing.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { explain } from '../../control/cli/explain.js';
import { explanationText } from '../../control/cli/explain-text.js';
import type { VirtualServerStatus } from '../../control/status.js';
import type { MemoryRouter } from '../../dataplane/addon.js';
import type { PacketQuestion, Protocol, Service } from '../../dataplane/protocol.js';
import { EXPLANATION } from '../cli/handlers.js';
import { recorder } from '../cli/recorder.js';
import { STATUS } from '../cli/sample-status.js';
import { connect, router, SERVICES } from './router.js';

const GOLDEN = join(import.meta.dirname, '..', '..', '..', 'test', 'sight', 'explain.txt');

const DOWN = { ...STATUS.virtualServers[0]!.realServers[2]!, address: '10.11.12.7' };

function status(service: Service): VirtualServerStatus {
  const realServers = service.name === 'tcp 203.0.113.10 80' ? [DOWN] : [];
  return { ...service, quorum: 1, quorumUp: true, sorryServerActive: false, realServers };
}

const KNOWN = { virtualServers: SERVICES.map(status) };

function question(text: string): PacketQuestion {
  const [protocol, client, clientPort, service, port] = text.split(' ') as [Protocol, string, string, string, string];
  return { protocol, client: { address: client, port: Number(clientPort) }, service: { address: service, port: Number(port) } };
}

/** What is asked in a router that has these flows already. */
const ROWS = [
  { name: 'a first packet', asks: 'tcp 198.51.100.7 51514 203.0.113.10 80' },
  { name: 'the next one of a flow', flows: ['tcp 198.51.100.7 51514 203.0.113.10 80'], asks: 'tcp 198.51.100.7 51514 203.0.113.10 80' },
  { name: 'a client that is kept', flows: ['tcp 198.51.100.9 1 203.0.113.10 443'], asks: 'tcp 198.51.100.7 51514 203.0.113.10 443' },
  { name: 'a client that is not kept yet', asks: 'tcp 198.51.100.7 51514 203.0.113.10 443' },
  { name: 'a server at its threshold', flows: ['tcp 198.51.100.9 1 203.0.113.10 82'], asks: 'tcp 198.51.100.7 51514 203.0.113.10 82' },
  {
    name: 'a destination that has the client already',
    flows: ['tcp 198.51.100.7 51514 203.0.113.10 82'],
    asks: 'tcp 198.51.100.7 51514 203.0.113.10 80',
  },
  { name: 'a service without servers', asks: 'tcp 198.51.100.7 51514 203.0.113.10 81' },
  { name: 'another protocol', asks: 'udp 198.51.100.7 51514 203.0.113.10 80' },
  { name: 'another port', asks: 'udp 198.51.100.7 51514 203.0.113.10 54' },
  { name: 'an address that nobody serves', asks: 'tcp 198.51.100.7 51514 203.0.113.99 80' },
  { name: 'an address that another router holds', asks: 'tcp 198.51.100.7 51514 203.0.113.11 80' },
  { name: 'a datagram', asks: 'udp 198.51.100.7 51514 203.0.113.10 53' },
  { name: 'an association', asks: 'sctp 198.51.100.7 51514 203.0.113.10 9' },
  {
    name: 'an association that there is',
    flows: ['sctp 198.51.100.7 51514 203.0.113.10 9'],
    asks: 'sctp 198.51.100.7 51514 203.0.113.10 9',
  },
  { name: 'IPv6', asks: 'tcp 2001:db8:1::7 51514 2001:db8::10 80' },
  { name: 'a source that is our own', asks: 'tcp 203.0.113.10 51514 203.0.113.10 80' },
  {
    name: 'a scheduler whose turn it is to take the second',
    asks: 'udp 198.51.100.7 51514 203.0.113.10 53',
    flows: ['udp 1.2.3.4 1 203.0.113.10 53'],
  },
] as const;

function opened(flows: readonly string[]): MemoryRouter {
  const made = router();
  for (const flow of flows) {
    const { protocol, client, service } = question(flow);
    connect(made, protocol, client.address, client.port, service.address, service.port);
  }
  return made;
}

function explained(row: (typeof ROWS)[number]): string {
  const packet = question(row.asks);
  const made = opened('flows' in row ? row.flows : []);
  return `# ${row.name}\n${explanationText(packet, made.explain(packet), KNOWN)}\n`;
}

test('explain: every answer reads as explain.txt has it (REWRITE=1 writes it anew)', () => {
  const text = ROWS.map(explained).join('');
  if (process.env.REWRITE === '1') writeFileSync(GOLDEN, text);
  assert.equal(text, readFileSync(GOLDEN, 'utf8'));
});

for (const row of ROWS) {
  test(`explain: ${row.name}: what was said comes true, and saying it changed nothing`, () => {
    const made = opened('flows' in row ? row.flows : []);
    const packet = question(row.asks);
    const before = JSON.stringify([made.stats(), made.flows()]);
    const first = made.explain(packet);
    assert.deepEqual(made.explain(packet), first);
    assert.equal(JSON.stringify([made.stats(), made.flows()]), before);
    const { verdicts, out } = made.send(0, [Buffer.from(first.in.frame, 'hex')]);
    assert.deepEqual(verdicts, [first.verdict]);
    assert.deepEqual(
      out.map(({ frame }) => frame.toString('hex')),
      first.out?.mac === undefined ? [] : [first.out.frame],
    );
  });
}

test('explain: round robin goes on where it was, however often it is asked', () => {
  const made = router();
  const chosen = [1, 2, 3, 4].map((port) => {
    const packet = question(`tcp 198.51.100.7 ${port} 203.0.113.10 80`);
    const { chosen } = made.explain(packet);
    connect(made, 'tcp', '198.51.100.7', port, '203.0.113.10', 80);
    return chosen?.address;
  });
  assert.deepEqual(chosen, ['10.11.12.1', '10.11.12.3', '10.11.12.1', '10.11.12.3']);
});

test('explain: a client network with too many half-open flows is told so', () => {
  const made = router();
  made.configure({ generation: 2, services: SERVICES, timeouts: {}, takeoverMs: 0, halfOpen: { service: 0, source: 1 } });
  connect(made, 'tcp', '198.51.100.7', 1, '203.0.113.10', 443);
  assert.equal(made.explain(question('tcp 198.51.100.7 2 203.0.113.10 443')).verdict, 'source_floods');
  assert.equal(made.explain(question('tcp 198.51.101.7 2 203.0.113.10 443')).verdict, 'forwarded');
});

async function typed(words: string) {
  const io = recorder();
  const asked: unknown[] = [];
  const asking = async (_runDir: string, request: { readonly what: string }) => {
    asked.push(request);
    return request.what === 'status' ? STATUS : { ...EXPLANATION, in: router().explain(question('udp 1.2.3.4 1 203.0.113.10 53')).in };
  };
  const exit = await explain(words.split(' '), io, asking as unknown as Parameters<typeof explain>[2]);
  return { exit, asked, printed: io.printed(), complained: io.complained() };
}

test('explain: what is typed is what is asked, however it is spelled', async () => {
  const { exit, asked, printed } = await typed('TCP [2001:DB8:1::7]:51514 [2001:db8::0010]:80');
  assert.equal(exit, 0);
  assert.deepEqual(asked[0], { what: 'explain', packet: question('tcp 2001:db8:1::7 51514 2001:db8::10 80') });
  assert.match(printed, /^TCP \[2001:db8:1::7\]:51514 to \[2001:db8::10\]:80\n {2}service/);
});

test('explain: --json is the answer itself', async () => {
  assert.equal(JSON.parse((await typed('tcp 1.2.3.4:5 203.0.113.10:80 --json')).printed).verdict, 'no_service');
});

const REFUSED = [
  { words: '', complaint: /expected explain tcp\|udp\|sctp/ },
  { words: 'icmp 1.2.3.4:5 1.2.3.4:6', complaint: /expected explain/ },
  { words: 'tcp 1.2.3.4:5', complaint: /an address and port is missing/ },
  { words: 'tcp 1.2.3.4 1.2.3.4:6', complaint: /no address and port: 1\.2\.3\.4;/ },
  { words: 'tcp 1.2.3.4:0 1.2.3.4:6', complaint: /no address and port: 1\.2\.3\.4:0/ },
  { words: 'tcp 1.2.3.4:5 [::1]:6', complaint: /not of one family/ },
  { words: 'tcp 1.2.3.4:5 1.2.3.4:6 7', complaint: /expected explain/ },
  { words: 'tcp 1.2.3.4:5 1.2.3.4:6 --colour', complaint: /Unknown option/ },
] as const;

for (const { words, complaint } of REFUSED) {
  test(`explain: "natlb explain ${words}" is refused before anybody is asked`, async () => {
    const { exit, asked, complained } = await typed(words);
    assert.equal(exit, 2);
    assert.match(complained, complaint);
    assert.deepEqual(asked, []);
  });
}
