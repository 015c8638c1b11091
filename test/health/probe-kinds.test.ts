// The other probes against servers on loopback: SMTP, DNS, UDP, ICMP echo, scripts, and TLS.

import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Checker, CheckerOf } from '../../control/config/checker.js';
import type { ProbeResult } from '../../control/health/checker.js';
import { encodeQuery, readAnswer } from '../../control/health/dns.js';
import { encodeEcho, isEchoReply } from '../../control/health/echo.js';
import { rangeWith } from '../../control/health/ping-range.js';
import { probes } from '../../control/health/probe.js';
import { readSmtp } from '../../control/health/smtp.js';
import { misfit } from '../../control/health/udp-reply.js';
import { dnsChecker, miscChecker, pingChecker, smtpChecker, tcpChecker, udpChecker } from './models.js';

const LOCAL = { address: '127.0.0.1', port: 0 };
/** As long as a server may take, and for those that wait for what never comes. */
const PATIENT = { connectTimeoutMs: 10_000 };
const IMPATIENT = { connectTimeoutMs: 150 };

function patience(expected: string): { readonly connectTimeoutMs: number } {
  return expected.startsWith('silence') ? IMPATIENT : PATIENT;
}

function ask(checker: Checker, log: (text: string) => void = () => {}): Promise<ProbeResult> {
  return new Promise((done) => probes(log)(checker, 0, done));
}

function show(result: ProbeResult): string {
  if (result.kind === 'passed') return result.weight === undefined ? 'passed' : `passed ${JSON.stringify(result.weight)}`;
  return result.kind === 'unable' ? `unable: ${result.reason}` : `${result.fault}: ${result.reason}`;
}

describe('SMTP_CHECK', () => {
  /** What the server says, first unasked and then to each line. */
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ['a server that greets and answers passes', ['220 hello\r\n', '250 you too\r\n', '221 bye\r\n'], 'passed'],
    [
      'an answer of several lines is one answer',
      ['220-hello\r\n220 there\r\n', '250-one\r\n250-two\r\n250 three\r\n', '221 bye\r\n'],
      'passed',
    ],
    ['whatever it says to QUIT', ['220 hello\r\n', '250 you too\r\n', '500 what?\r\n'], 'passed'],
    ['a server that is full fails', ['421 too busy\r\n'], 'status: Bad greeting banner'],
    ['a server that does not like our name fails', ['220 hello\r\n', '501 who?\r\n'], 'status: Bad HELO response'],
    ['another protocol fails', ['SSH-2.0-OpenSSH_9.2\r\n'], 'status: Bad greeting banner'],
    ['a server that says nothing fails', [], 'silence: nothing received for 0.15 s'],
    ['a server that stops talking fails', ['220 hello\r\n'], 'silence: nothing received for 0.15 s'],
    ['a line without end fails', ['220-'.padEnd(9000, 'x')], 'status: the answer is longer than 8 KiB'],
    ['lines without end fail', ['220-x\r\n'.repeat(2000)], 'status: the answer is longer than 8 KiB'],
  ];
  for (const [name, says, expected] of rows) {
    test(name, async () => {
      const heard: string[] = [];
      await withTcp(converseWith(says, heard), async (port) => {
        const result = await ask(smtpChecker({ ...patience(expected), connect: { ...LOCAL, port } }));
        assert.equal(show(result), expected);
        if (expected === 'passed') assert.deepEqual(heard, ['HELO checker.example\r\n', 'QUIT\r\n']);
      });
    });
  }

  test('a server that closes at once fails', async () => {
    await withTcp(
      (socket) => socket.end(),
      async (port) => assert.match(show(await ask(smtpChecker({ connect: { ...LOCAL, port } }))), /^no response: closed before/),
    );
  });

  test('an answer may come in pieces', () => {
    const reader = readSmtp('me');
    assert.deepEqual(reader.push('22'), { kind: 'more' });
    assert.deepEqual(reader.push('0 hello'), { kind: 'more' });
    assert.deepEqual(reader.push('\r\n'), { kind: 'send', line: 'HELO me' });
  });
});

describe('DNS_CHECK', () => {
  test('a question is a header, a name, a type and a class', () => {
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    assert.equal(hex(encodeQuery({ kind: 'dns', type: 'SOA', name: '' }, 0x1234)), '12340100000100000000000000' + '00060001');
    assert.equal(
      hex(encodeQuery({ kind: 'dns', type: 'AAAA', name: 'ns.example' }, 1)),
      '000101000001000000000000' + '026e73' + '076578616d706c65' + '00' + '001c0001',
    );
  });

  test('only a response with our id counts', () => {
    const message = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
    assert.deepEqual(readAnswer(message('123481800001000000000000'), 0x1234), { kind: 'answer', rcode: 0 });
    assert.deepEqual(readAnswer(message('123481830001000000000000'), 0x1234), { kind: 'answer', rcode: 3 });
    assert.deepEqual(readAnswer(message('123581800001000000000000'), 0x1234), { kind: 'other' });
    assert.deepEqual(readAnswer(message('123401000001000000000000'), 0x1234), { kind: 'other' });
    assert.deepEqual(readAnswer(message('1234818000'), 0x1234), { kind: 'other' });
  });

  const respond =
    (rcode: number) =>
    (query: Buffer): Buffer[] => {
      const response = Buffer.from(query);
      response.writeUInt16BE(0x8180 | rcode, 2);
      return [response];
    };
  const rows: readonly (readonly [string, (query: Buffer) => Buffer[], string])[] = [
    ['a server that answers passes', respond(0), 'passed'],
    ['a server that fails to answer fails', respond(2), 'refused: read error occurred. (rcode = 2)'],
    ['a server that says nothing fails', () => [], 'silence: read timeout from socket'],
    ['rubbish is no answer', () => [Buffer.alloc(0), Buffer.from('rubbish'), Buffer.alloc(60_000)], 'silence: read timeout from socket'],
    ['an answer behind rubbish is one', (query) => [Buffer.from('rubbish'), ...respond(0)(query)], 'passed'],
    ['our own question is no answer', (query) => [query], 'silence: read timeout from socket'],
  ];
  for (const [name, answers, expected] of rows) {
    test(name, async () => {
      await withUdp(answers, async (port) =>
        assert.equal(show(await ask(dnsChecker({ ...patience(expected), connect: { ...LOCAL, port } }))), expected),
      );
    });
  }

  test('a closed port fails at once', async () => {
    const result = await ask(dnsChecker({ connectTimeoutMs: 60_000, connect: { ...LOCAL, port: await closedUdpPort() } }));
    assert.equal(show(result), 'connect: port unreachable');
  });
});

describe('UDP_CHECK', () => {
  const reply = { data: '', mask: '', shortest: 0, longest: 255 };
  const silent = (): Buffer[] => [];
  const echo = (message: Buffer): Buffer[] => [message];
  const rows: readonly (readonly [string, (query: Buffer) => Buffer[], Partial<CheckerOf<'udp'>>, string])[] = [
    ['silence passes', silent, {}, 'passed'],
    ['a reply passes', echo, {}, 'passed'],
    ['silence fails where a reply is required', silent, { reply }, 'silence: no reply within 0.15 s'],
    ['any reply passes where one is required', echo, { reply }, 'passed'],
    ['what is sent is the payload', echo, { payload: '0001ff', reply: { ...reply, data: '0001ff', mask: 'ffffff' } }, 'passed'],
    [
      'another reply fails',
      echo,
      { payload: '0001ff', reply: { ...reply, data: '0002', mask: 'ffff' } },
      'refused: byte 1 of the reply is 01',
    ],
    [
      'a reply that is too short fails',
      echo,
      { payload: '00', reply: { ...reply, shortest: 2 } },
      'refused: a reply of 1 bytes, expected 2 to 255',
    ],
    [
      'a reply that is too long fails',
      echo,
      { payload: '0000', reply: { ...reply, longest: 1 } },
      'refused: a reply of 2 bytes, expected 0 to 1',
    ],
  ];
  for (const [name, answers, values, expected] of rows) {
    test(name, async () => {
      await withUdp(answers, async (port) =>
        assert.equal(show(await ask(udpChecker({ ...patience(name), connect: { ...LOCAL, port }, ...values }))), expected),
      );
    });
  }

  test('a closed port fails at once', async () => {
    const result = await ask(udpChecker({ connectTimeoutMs: 60_000, connect: { ...LOCAL, port: await closedUdpPort() } }));
    assert.equal(show(result), 'connect: port unreachable');
  });

  test('bits that do not matter are not compared, nor bytes that did not come', () => {
    const expected = { data: 'a0b0c0', mask: 'f0ff0f', shortest: 0, longest: 9 };
    assert.equal(misfit(Uint8Array.of(0xa7, 0xb0, 0x70), expected), undefined);
    assert.equal(misfit(Uint8Array.of(0xa7), expected), undefined);
    assert.equal(misfit(Uint8Array.of(0xb7), expected), 'byte 0 of the reply is b7');
    assert.equal(misfit(Uint8Array.of(0xa0, 0xb0, 0xc0, 0xff), expected), undefined);
  });

  test('comes from the address and port it is bound to, over IPv6 too', async () => {
    const bindPort = await closedUdpPort();
    const from: string[] = [];
    const note = (message: Buffer, sender: { address: string; port: number }): Buffer[] => {
      from.push(`${sender.address} ${sender.port}`);
      return [message];
    };
    await withUdp(note, async (port) => {
      assert.equal(show(await ask(udpChecker({ bindAddress: '127.0.0.9', bindPort, connect: { ...LOCAL, port }, reply }))), 'passed');
    });
    await withUdp(
      note,
      async (port) => assert.equal(show(await ask(udpChecker({ connect: { address: '::1', port }, reply }))), 'passed'),
      '::1',
    );
    assert.equal(from[0], `127.0.0.9 ${bindPort}`);
    assert.match(from[1] ?? '', /^::1 /);
  });
});

describe('PING_CHECK', () => {
  for (const address of ['127.0.0.1', '::1'])
    test(`${address} answers`, async () => assert.equal(show(await ask(pingChecker({ connect: { address, port: 0 } }))), 'passed'));

  test('who does not answer fails', async () => {
    const result = show(await ask(pingChecker({ ...IMPATIENT, bindInterface: 'lo', connect: { address: '192.0.2.1', port: 0 } })));
    assert.match(result, /^(silence: no echo within 0\.15 s|connect: )/);
  });

  test('only the echo of our own request counts', () => {
    const payload = Uint8Array.of(1, 2, 3);
    const request = encodeEcho(4, 258, payload);
    assert.deepEqual([...request], [8, 0, 0, 0, 0, 0, 1, 2, 1, 2, 3]);
    const reply = Uint8Array.from([0, ...request.subarray(1)]);
    assert.ok(isEchoReply(reply, 4, 258, payload));
    assert.ok(!isEchoReply(request, 4, 258, payload));
    assert.ok(!isEchoReply(reply, 4, 259, payload));
    assert.ok(!isEchoReply(reply, 6, 258, payload));
    assert.ok(!isEchoReply(reply.subarray(0, 9), 4, 258, payload));
  });

  test('the range of groups that may ping grows no further than needed', () => {
    const rows: readonly (readonly [string, number, string | undefined])[] = [
      ['1\t0\n', 0, '0 0'],
      ['0\t2147483647\n', 0, undefined],
      ['100\t200\n', 0, '0 200'],
      ['0\t0\n', 7, '0 7'],
    ];
    for (const [text, group, expected] of rows) assert.equal(rangeWith(text, group), expected);
  });
});

describe('MISC_CHECK', () => {
  const sh = (command: string): CheckerOf<'misc'>['script'] => ({
    argv: ['/bin/sh', '-c', command],
    place: { file: 'test.conf', line: 1, column: 1 },
  });
  const rows: readonly (readonly [string, Partial<CheckerOf<'misc'>>, string])[] = [
    ['0 passes', { script: sh('exit 0') }, 'passed'],
    ['1 fails', { script: sh('exit 1') }, 'status: exited with status 1'],
    ['more fails too', { script: sh('exit 7') }, 'status: exited with status 7'],
    ['with misc_dynamic 0 passes and changes no weight', { dynamic: true, script: sh('exit 0') }, 'passed'],
    ['with misc_dynamic 1 fails', { dynamic: true, script: sh('exit 1') }, 'status: exited with status 1'],
    ['with misc_dynamic 2 is weight 0', { dynamic: true, script: sh('exit 2') }, 'passed {"set":0}'],
    ['with misc_dynamic 255 is weight 253', { dynamic: true, script: sh('exit 255') }, 'passed {"set":253}'],
    ['a signal fails', { script: sh('kill -9 $$') }, 'broken: due to signal SIGKILL'],
    ['one that hangs fails', { timeoutMs: 100, script: sh('sleep 60') }, 'silence: still not ended after 0.1 s'],
    ['one that is not there says nothing about the server', { script: { ...sh(''), argv: ['/nowhere'] } }, 'unable: it is not there'],
    [
      'one that must not run says nothing about the server',
      { script: { ...sh(''), disabled: 'others can write it' } },
      'unable: others can write it',
    ],
  ];
  for (const [name, values, expected] of rows)
    test(name, async () => assert.equal(show(await ask(miscChecker(values))).slice(0, expected.length), expected));
});

describe('a marked check on an interface', () => {
  test('connects', async () => {
    await withTcp(
      (socket) => socket.resume(),
      async (port) => assert.equal(show(await ask(tcpChecker({ mark: 7, bindInterface: 'lo', connect: { ...LOCAL, port } }))), 'passed'),
    );
  });

  test('is refused like any other', async () => {
    const port = await closedUdpPort();
    assert.equal(show(await ask(tcpChecker({ mark: 7, connect: { ...LOCAL, port } }))), 'connect: connection refused');
  });

  test('on an interface that is not there says nothing about the server', async () => {
    for (const checker of [
      tcpChecker({ bindInterface: 'nope0' }),
      pingChecker({ bindInterface: 'nope0' }),
      udpChecker({ bindInterface: 'nope0' }),
    ])
      assert.equal(show(await ask(checker)), 'unable: cannot bind a check to its interface: No such device');
  });
});

type Answers = (query: Buffer, sender: { address: string; port: number }) => Buffer[];

async function withUdp(answers: Answers, use: (port: number) => Promise<void>, address = '127.0.0.1'): Promise<void> {
  const server: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  server.on('message', (query, sender) => {
    for (const answer of answers(query, sender)) server.send(answer, sender.port, sender.address);
  });
  server.bind(0, address);
  await once(server, 'listening');
  try {
    await use(server.address().port);
  } finally {
    server.close();
  }
}

async function closedUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

function converseWith(says: readonly string[], heard: string[]): (socket: Socket) => void {
  return (socket) => {
    const left = [...says];
    const say = (): void => void socket.write(left.shift() ?? '');
    socket.on('data', (line) => {
      heard.push(line.toString());
      say();
    });
    say();
  };
}

async function withTcp(behave: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    behave(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
