// Holds the tree to the layering of ARCHITECTURE.md, and the rules themselves to samples of good and bad code.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { breaches } from './layers.js';

const TOP = join(import.meta.dirname, '..', '..');

interface Row {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** What the one breach says, or null for none. */
  readonly breach: RegExp | null;
}

const ROWS: readonly Row[] = [
  {
    name: 'control may import the protocol',
    files: { 'control/x.ts': "import type { Stats } from '../dataplane/protocol.js';" },
    breach: null,
  },
  { name: 'control may import packages', files: { 'control/vrrp/advert-socket.ts': "import raw from 'raw-socket';" }, breach: null },
  {
    name: 'dataplane may not import control',
    files: { 'dataplane/x.ts': "import { a } from '../control/a.js';" },
    breach: /may not use control\/a\.ts/,
  },
  { name: 'dataplane may not import a package', files: { 'dataplane/x.ts': "import cap from 'cap';" }, breach: /may not use cap/ },
  {
    name: 'nothing may import main.ts',
    files: { 'control/x.ts': "import { a } from './main.js';" },
    breach: /may not use control\/main\.ts/,
  },
  {
    name: 'product code may not import tests',
    files: { 'control/x.ts': "import { a } from '../test/a.js';" },
    breach: /may not use test\/a\.ts/,
  },
  {
    name: 'a dynamic import is an import',
    files: { 'dataplane/x.ts': "await import('../control/a.js');" },
    breach: /may not use control\/a\.ts/,
  },
  {
    name: 're-exporting is importing',
    files: { 'dataplane/x.ts': "export { a } from '../control/a.js';" },
    breach: /may not use control\/a\.ts/,
  },
  { name: 'a pure module may use pure modules', files: { 'control/vrrp/machine.ts': "import { a } from './codec.js';" }, breach: null },
  {
    name: 'a pure module may not import node',
    files: { 'control/vrrp/machine.ts': "import { a } from 'node:fs';" },
    breach: /may not use node:fs/,
  },
  {
    name: 'a pure module may not import a driver',
    files: { 'control/vrrp/group.ts': "import { a } from './driver.js';" },
    breach: /may not use control\/vrrp\/driver\.ts/,
  },
  {
    name: 'a pure module may not read the clock',
    files: { 'control/health/machine.ts': 'const now = Date.now();' },
    breach: /may not mention Date/,
  },
  {
    name: 'a pure module may not start a timer',
    files: { 'control/reconcile/plan.ts': 'setTimeout(() => {}, 1);' },
    breach: /may not mention setTimeout/,
  },
  {
    name: 'a pure module may not look at the process',
    files: { 'control/config/expand.ts': 'process.env.HOME;' },
    breach: /may not mention process/,
  },
  {
    name: 'a comment may mention the clock',
    files: { 'control/reconcile/plan.ts': '// no Date here\n/* nor performance */' },
    breach: null,
  },
  { name: 'a text may mention the clock', files: { 'control/reconcile/plan.ts': "const text = 'Date';" }, breach: null },
  { name: 'a driver may read the clock', files: { 'control/vrrp/driver.ts': 'const now = performance.now();' }, breach: null },
  { name: 'core may include core and std values', files: { 'native/core/a.h': '#include <array>\n#include "core/b.h"' }, breach: null },
  {
    name: 'core may not include the system',
    files: { 'native/core/a.cc': '#include <sys/socket.h>' },
    breach: /may not use <sys\/socket\.h>/,
  },
  { name: 'core may not include the clock', files: { 'native/core/a.cc': '#  include <chrono>' }, breach: /may not use <chrono>/ },
  { name: 'core may not include io', files: { 'native/core/a.h': '#include "io/device.h"' }, breach: /may not use native\/io\/device\.h/ },
  {
    name: 'io may include core and the kernel',
    files: { 'native/io/a.cc': '#include <linux/if_xdp.h>\n#include "core/packet.h"' },
    breach: null,
  },
  {
    name: 'io may not include engine',
    files: { 'native/io/a.cc': '#include "engine/worker.h"' },
    breach: /may not use native\/engine\/worker\.h/,
  },
  { name: 'engine may not include Node-API', files: { 'native/engine/a.cc': '#include <napi.h>' }, breach: /may not use <napi\.h>/ },
  {
    name: 'the addon may include everything below',
    files: { 'native/addon/a.cc': '#include <napi.h>\n#include "engine/worker.h"' },
    breach: null,
  },
  {
    name: 'the host addon may not include engine',
    files: { 'native/host/a.cc': '#include "engine/worker.h"' },
    breach: /may not use native\/engine/,
  },
  { name: 'a steering program may not include std', files: { 'native/bpf/a.bpf.c': '#include <array>' }, breach: /may not use <array>/ },
  {
    name: 'two files may not need each other',
    files: { 'control/a.ts': "import { b } from './b.js';", 'control/b.ts': "import { a } from './a.js';" },
    breach: /a circle: control\/a\.ts → control\/b\.ts → control\/a\.ts/,
  },
  {
    name: 'headers may not need each other',
    files: { 'native/io/a.h': '#include "b.h"', 'native/io/b.h': '#include "io/a.h"' },
    breach: /a circle/,
  },
  { name: 'two may need the same third', files: { 'control/a.ts': "import './c.js';", 'control/b.ts': "import './c.js';" }, breach: null },
  { name: 'a file has a name that says something', files: { 'control/utils.ts': '' }, breach: /says nothing/ },
  { name: 'so has a folder', files: { 'native/io/helpers/a.h': '' }, breach: /says nothing/ },
  { name: 'every file is in a layer', files: { 'elsewhere/a.ts': "import 'node:fs';" }, breach: /in no layer/ },
];

for (const { name, files, breach } of ROWS) {
  test(`layering: ${name}`, () => {
    const found = breaches(new Map(Object.entries(files)));
    if (breach === null) return assert.deepEqual(found, []);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0]!, breach);
  });
}

test('the tree keeps its layering', () => {
  const sources = tree();
  assert.ok(sources.size > 10, 'the sources were not found');
  assert.deepEqual(breaches(sources), []);
});

function tree(): Map<string, string> {
  const folders = ['control', 'dataplane', 'native', 'bench', 'test'].filter((folder) => existsSync(join(TOP, folder)));
  const paths = folders.flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  return new Map(paths.filter((path) => /\.(ts|h|cc|c)$/.test(path)).map((path) => [path, readFileSync(join(TOP, path), 'utf8')]));
}
