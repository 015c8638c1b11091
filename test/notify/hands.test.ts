// Real FIFOs, a real mail server and real programs, also those that do not answer.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Fifo, Mail, Script } from '../../control/config/model.js';
import { Crew } from '../../control/notify/crew.js';
import { CREWS } from '../../control/notify/driver.js';
import { type Fifos, openFifos } from '../../control/notify/fifos.js';
import { openMailer } from '../../control/notify/mailer.js';

const directory = mkdtempSync(join(tmpdir(), 'natlb-notify-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const place = { file: 'test', line: 1, column: 1 };

let count = 0;
function fresh(name: string): string {
  count += 1;
  return join(directory, `${count}-${name}`);
}

function shell(text: string): Script {
  const path = fresh('script');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return { argv: [path], place };
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it never came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// FIFOs

function runDirectory(): string {
  return mkdtempSync(join(directory, 'run-'));
}

function reading(path: string): () => string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return () => {
    const buffer = Buffer.alloc(100_000);
    try {
      return buffer.toString('utf8', 0, readSync(descriptor, buffer));
    } catch {
      return '';
    }
  };
}

function opened(fifos: readonly Fifo[], lines: string[] = [], runDir = runDirectory()): Fifos {
  const all = openFifos(runDir, (text) => lines.push(text));
  all.reload(fifos);
  return all;
}

test('a FIFO is made, gets the lines of its side, and is gone afterwards', async () => {
  const [all, vrrp, lvs] = (['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'] as const).map(
    (name): Fifo => ({ name, path: fresh(name), place }),
  );
  const fifos = opened([all!, vrrp!, lvs!]);
  fifos.write('vrrp', 'early\n');
  await until(() => existsSync(all!.path) && existsSync(vrrp!.path) && existsSync(lvs!.path));
  const read = [all!, vrrp!, lvs!].map(({ path }) => reading(path));
  const texts = ['', '', ''];
  const gather = (): void => {
    for (const [i, one] of read.entries()) texts[i] += one();
  };
  fifos.write('lvs', 'late\n');
  await until(() => {
    gather();
    return texts.join('') === 'early\nlate\nearly\nlate\n';
  });
  assert.deepEqual(texts, ['early\nlate\n', 'early\n', 'late\n']);
  assert.equal(statSync(all!.path).mode & 0o777, 0o644);
  await fifos.close(0);
  assert.ok(!existsSync(all!.path) && !existsSync(vrrp!.path) && !existsSync(lvs!.path));
});

test('without a reader lines are lost once the FIFO is full, and nothing waits or is said', async () => {
  const fifo: Fifo = { name: 'notify_fifo', path: fresh('full'), place };
  const lines: string[] = [];
  const fifos = opened([fifo], lines);
  await until(() => existsSync(fifo.path));
  const read = reading(fifo.path);
  fifos.write('vrrp', 'the first\n');
  await until(() => read() === 'the first\n');
  for (let i = 0; i < 10_000; i += 1) fifos.write('vrrp', `INSTANCE "A" MASTER ${i}\n`);
  assert.match(read(), /^INSTANCE "A" MASTER 0\n/);
  fifos.write('vrrp', 'INSTANCE "A" BACKUP 1\n');
  assert.match(read(), /BACKUP 1\n$/);
  await fifos.close(0);
  assert.deepEqual(lines, []);
});

test('a FIFO that somebody else made is used, and stays', async () => {
  const path = theirs();
  const fifos = opened([{ name: 'notify_fifo', path, place }]);
  const read = reading(path);
  fifos.write('lvs', 'a line\n');
  assert.equal(read(), 'a line\n');
  await fifos.close(0);
  assert.ok(existsSync(path));
});

test('a FIFO that a killed natlb left is taken over, and is gone afterwards; one nobody asks for any more at once', async () => {
  const [wanted, unwanted, file] = [fresh('wanted'), fresh('unwanted'), fresh('file')];
  const runDir = runDirectory();
  execFileSync('mkfifo', [wanted, unwanted]);
  writeFileSync(file, 'not a FIFO any more');
  writeFileSync(join(runDir, 'fifos'), `${wanted}\n${unwanted}\n${file}\n`);
  const fifos = opened([{ name: 'notify_fifo', path: wanted, place }], [], runDir);
  assert.ok(existsSync(wanted) && !existsSync(unwanted) && existsSync(file));
  await fifos.close(0);
  assert.ok(!existsSync(wanted));
  assert.equal(readFileSync(join(runDir, 'fifos'), 'utf8'), '');
});

function theirs(): string {
  const path = fresh('theirs');
  execFileSync('mkfifo', [path]);
  return path;
}

const NO_FIFOS: readonly { readonly what: string; readonly make: (path: string) => void }[] = [
  { what: 'a file', make: (path) => writeFileSync(path, 'text') },
  { what: 'a link to a FIFO', make: (path) => symlinkSync(theirs(), path) },
  { what: 'a path in a directory that is not there', make: () => {} },
];
for (const { what, make } of NO_FIFOS)
  test(`what is no FIFO of ours is not written to: ${what}`, async () => {
    const path = what.includes('directory') ? join(directory, 'nowhere', 'fifo') : fresh('none');
    make(path);
    const lines: string[] = [];
    const fifos = opened([{ name: 'notify_fifo', path, place }], lines);
    await until(() => lines.length > 0);
    fifos.write('vrrp', 'a line\n');
    await fifos.close(0);
    assert.match(lines.join(), /^Unable to open notify_fifo/);
    if (what === 'a file') assert.equal(readFileSync(path, 'utf8'), 'text');
  });

test('the reader of a FIFO gets its path, reads to the end, and is told of when it ends', async () => {
  const output = fresh('output');
  const fifo: Fifo = { name: 'vrrp_notify_fifo', path: fresh('read'), script: shell(`exec 3< "$1"; cat <&3 > ${output}`), place };
  const lines: string[] = [];
  const fifos = opened([fifo], lines);
  fifos.write('vrrp', 'INSTANCE "A" STOP 100\n');
  await until(() => existsSync(output));
  await fifos.close(20_000);
  assert.equal(readFileSync(output, 'utf8'), 'INSTANCE "A" STOP 100\n');
  assert.deepEqual(lines, ['vrrp notify fifo script terminated']);
});

test('a reader that never ends is ended', async () => {
  const fifos = opened([{ name: 'notify_fifo', path: fresh('stuck'), script: shell('exec sleep 1000'), place }]);
  await fifos.close(50);
});

test('a reload keeps the FIFO that stays the same and its reader, and closes the other', async () => {
  const [stays, goes]: readonly Fifo[] = [
    { name: 'notify_fifo', path: fresh('stays'), script: shell('exec sleep 1000'), place },
    { name: 'lvs_notify_fifo', path: fresh('goes'), place },
  ];
  const lines: string[] = [];
  const fifos = opened([stays!, goes!], lines);
  await until(() => existsSync(stays!.path) && existsSync(goes!.path));
  fifos.reload([{ ...stays!, place: { ...place, line: 2 } }]);
  await until(() => !existsSync(goes!.path));
  assert.ok(existsSync(stays!.path));
  assert.deepEqual(lines, []);
  await fifos.close(0);
});

test('a FIFO that a reload gives another reader is there afterwards, and read by that one alone', async () => {
  const path = fresh('renewed');
  const [before, after]: readonly [string, string] = [fresh('before'), fresh('after')];
  const reader = (output: string): Fifo => ({ name: 'notify_fifo', path, script: shell(`exec 3< "$1"; cat <&3 > ${output}`), place });
  const fifos = opened([reader(before)]);
  fifos.write('lvs', 'first\n');
  await until(() => existsSync(before) && readFileSync(before, 'utf8') === 'first\n');
  fifos.reload([reader(after)]);
  fifos.write('lvs', 'second\n');
  await until(() => existsSync(after) && readFileSync(after, 'utf8') === 'second\n');
  assert.ok(existsSync(path));
  assert.equal(readFileSync(before, 'utf8'), 'first\n');
  await fifos.close(20_000);
  assert.ok(!existsSync(path));
});

// Mail

interface MailServer {
  readonly server: Server;
  readonly port: number;
  readonly letters: string[];
  connections: number;
}

async function mailServer(talk: (socket: Socket, letters: string[]) => void): Promise<MailServer> {
  const letters: string[] = [];
  const server = createServer((socket) => {
    mail.connections += 1;
    socket.on('error', () => {});
    talk(socket, letters);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const mail: MailServer = { server, port: typeof address === 'object' && address ? address.port : 0, letters, connections: 0 };
  return mail;
}

function polite(socket: Socket, letters: string[]): void {
  let text = '';
  let data = false;
  socket.write('220 test\r\n');
  socket.on('data', (more) => {
    text += String(more);
    const end = data ? '\r\n.\r\n' : '\r\n';
    if (!text.endsWith(end)) return;
    if (data) letters.push(text);
    socket.write(data ? '250 ok\r\n' : text.startsWith('DATA') ? '354 go\r\n' : text.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n');
    data = !data && text.startsWith('DATA');
    text = '';
  });
}

function mailTo(port: number, timeoutMs = 20_000): Mail {
  return { server: { host: '127.0.0.1', port }, heloName: 'lb1', from: 'lb1@b', to: ['a@b', 'c@d'], timeoutMs, withoutFaults: false };
}

test('mail arrives, all that was sent before the end', async () => {
  const { server, port, letters } = await mailServer(polite);
  const mailer = openMailer((text) => assert.fail(text));
  for (let i = 0; i < 10; i += 1) mailer.send(mailTo(port), { subject: `number ${i}`, text: 'text' });
  await mailer.close(20_000);
  server.close();
  assert.deepEqual(
    letters.map((letter) => /number \d/.exec(letter)?.[0]).sort(),
    Array.from({ length: 10 }, (_, i) => `number ${i}`),
  );
});

test('a mail server that is not there is said to be so, and holds nothing up', async () => {
  const { server, port } = await mailServer(polite);
  await new Promise((resolve) => server.close(resolve));
  const lines: string[] = [];
  const mailer = openMailer((text) => lines.push(text));
  mailer.send(mailTo(port), { subject: 's', text: 't' });
  await mailer.close(20_000);
  assert.match(lines.join(), /^SMTP connection ERROR to \[127\.0\.0\.1\]:\d+: .*ECONNREFUSED/);
});

test('a mail server that says nothing is given up', async () => {
  const { server, port } = await mailServer(() => {});
  const lines: string[] = [];
  const mailer = openMailer((text) => lines.push(text));
  mailer.send(mailTo(port, 1000), { subject: 's', text: 't' });
  await until(() => lines.length === 2);
  await mailer.close(0);
  server.close();
  assert.match(lines[0]!, /^Timeout reading data to remote SMTP server/);
});

test('a flood of mail for a server that says nothing is bounded: few connections, the latest wait, the rest is counted', async () => {
  const mail = await mailServer(() => {});
  const lines: string[] = [];
  const mailer = openMailer((text) => lines.push(text));
  for (let i = 0; i < 5000; i += 1) mailer.send(mailTo(mail.port), { subject: `${i}`, text: 't' });
  await until(() => mail.connections > 0);
  await mailer.close(0);
  mail.server.close();
  assert.ok(mail.connections <= 4, `${mail.connections} connections`);
  assert.deepEqual(lines, ['4796 mails were not sent: too many were waiting', '204 mails were not sent: natlb ends']);
});

// Many programs

test('programs beyond the limit wait, and all are run in their order', async () => {
  const output = fresh('order');
  const crew = new Crew({ log: (text) => assert.fail(text), limit: 1, patienceMs: 60_000 });
  const script = shell(`echo "$1" >> ${output}`);
  for (const word of ['a', 'b', 'c']) crew.run({ script, arguments: [word] });
  await until(() => existsSync(output) && readFileSync(output, 'utf8') === 'a\nb\nc\n');
});

test('a burst of programs beyond the limit is run whole: what has hardly begun does not hang', async () => {
  const output = fresh('burst');
  const crew = new Crew({ log: (text) => assert.fail(text), ...CREWS.vrrp, limit: 3 });
  const script = shell(`sleep 0.05; echo "$1" >> ${output}`);
  const words = Array.from({ length: 12 }, (_, index) => `${index}`);
  for (const word of words) crew.run({ script, arguments: [word] });
  await until(() => existsSync(output) && readFileSync(output, 'utf8').split('\n').length === words.length + 1);
  await crew.close(0);
});

test('a program that hangs gives way to those that wait', async () => {
  const output = fresh('way');
  const lines: string[] = [];
  const crew = new Crew({ log: (text) => lines.push(text), limit: 1, patienceMs: 0 });
  const hanging = shell('exec sleep 1000');
  crew.run({ script: hanging, arguments: [] });
  crew.run({ script: shell(`echo now > ${output}`), arguments: [] });
  await until(() => existsSync(output));
  assert.deepEqual(lines, [`${hanging.argv[0]} is ended: it hangs, and others wait`]);
  await crew.close(0);
});

test('at the end the programs of the end are waited for, the others ended, and what waits is not run', async () => {
  const output = fresh('end');
  const lines: string[] = [];
  const crew = new Crew({ log: (text) => lines.push(text), limit: 2, patienceMs: 60_000 });
  const started = fresh('started');
  crew.run({ script: shell(`trap 'echo ended >> ${output}; exit' TERM; touch ${started}; while :; do sleep 0.01; done`), arguments: [] });
  await until(() => existsSync(started));
  crew.run({ script: shell(`sleep 0.1; echo stopped >> ${output}`), arguments: [], timeoutMs: 10_000 });
  crew.run({ script: shell(`echo never >> ${output}`), arguments: [] });
  await crew.close(10_000);
  await until(() => readFileSync(output, 'utf8').split('\n').length === 3);
  assert.deepEqual(readFileSync(output, 'utf8').trim().split('\n').sort(), ['ended', 'stopped']);
  assert.ok(lines.includes('1 programs were not run: natlb ends'));
});

test('all programs of the end are run, also those that have to wait', async () => {
  const output = fresh('all');
  const crew = new Crew({ log: (text) => assert.fail(text), limit: 2, patienceMs: 60_000 });
  const script = shell(`echo "$1" >> ${output}`);
  for (let i = 0; i < 10; i += 1) crew.run({ script, arguments: [String(i)], timeoutMs: 10_000 });
  await crew.close(20_000);
  assert.equal(readFileSync(output, 'utf8').trim().split('\n').length, 10);
});

test('a program that cannot be run is named, and no other waits for it', async () => {
  const lines: string[] = [];
  const crew = new Crew({ log: (text) => lines.push(text), limit: 1, patienceMs: 60_000 });
  for (let i = 0; i < 3; i += 1) crew.run({ script: { argv: ['/nowhere'], place }, arguments: [] });
  await until(() => lines.length === 3);
  assert.match(lines[0]!, /^Error exec-ing command '\/nowhere': it is not there/);
});
