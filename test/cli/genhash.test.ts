// natlb genhash against servers in this process: the digest of a page, and what is no page.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createPlain, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { genhash } from '../../control/cli/genhash.js';
import { recorder } from './recorder.js';

const PAGE = 'a page\n';
const DIGEST = createHash('md5').update(PAGE).digest('hex');

async function listening(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return String((server.address() as AddressInfo).port);
}

async function asked(...args: readonly string[]) {
  const io = recorder();
  const status = await genhash(args, io);
  return { status, out: io.printed(), error: io.complained() };
}

for (const protocol of ['1.0', '1.0c', '1.1']) {
  test(`genhash: a page by HTTP/${protocol}`, async (t) => {
    const hosts: (string | undefined)[] = [];
    const port = await listening(
      t,
      createServer((request, response) => {
        hosts.push(request.headers.host);
        response.end(request.url === '/page' ? PAGE : 'another');
      }),
    );
    const { status, out } = await asked('-s', '127.0.0.1', '-p', port, '-u', '/page', '-P', protocol, '-V', 'www.example');
    assert.deepEqual({ status, out, hosts }, { status: 0, out: `MD5SUM = ${DIGEST}\n`, hosts: ['www.example'] });
  });
}

test('genhash: what is not answered with 200 is told', async (t) => {
  const port = await listening(
    t,
    createServer((_, response) => response.writeHead(404).end(PAGE)),
  );
  const { status, out, error } = await asked('-s', '127.0.0.1', '-p', port, '-u', '/');
  assert.deepEqual({ status, out }, { status: 0, out: `MD5SUM = ${DIGEST}\n` });
  assert.match(error, /status 404/);
});

const NO_PAGES: readonly (readonly [what: string, answer: string, why: RegExp])[] = [
  ['closes at once', '', /the answer is no HTTP|closed before/],
  ['sends no HTTP', 'SSH-2.0-x\r\n\r\n', /the answer is no HTTP/],
  ['sends less than it says', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', /the answer is no HTTP|closed before/],
];

for (const [what, answer, why] of NO_PAGES) {
  test(`genhash: a server that ${what} has no digest`, async (t) => {
    const port = await listening(
      t,
      createPlain((socket) => socket.on('error', () => {}).end(answer)),
    );
    const { status, out, error } = await asked('-s', '127.0.0.1', '-p', port, '-u', '/');
    assert.deepEqual({ status, out }, { status: 1, out: '' });
    assert.match(error, why);
  });
}

const MISUSE: readonly (readonly [args: string, why: RegExp])[] = [
  ['-p 80 -u /', /--server is missing/],
  ['-s www.example -p 80 -u /', /expected an IP address/],
  ['-s 192.0.2.1 -p 0 -u /', /expected a port from 1 to 65535, found '0'/],
  ['-s 192.0.2.1 -p 80 -u page', /expected a path/],
  ['-s 192.0.2.1 -p 80 -u / -P 2', /expected 1.0, 1.0c, 1.1/],
  ['-s 192.0.2.1 -p 80 -u / -m 5', /natlb sets no marks/],
];

for (const [args, why] of MISUSE) {
  test(`genhash: ${args} is refused`, async () => {
    const { status, error } = await asked(...args.split(' '));
    assert.equal(status, 2);
    assert.match(error, why);
  });
}
