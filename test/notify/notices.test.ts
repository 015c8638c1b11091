// Plays the transcripts beside this file: what changes, and who is told what of it, in this order. REWRITE=1 writes them anew; then read the
// difference.
//
//   First line: the behaviour.
//   What stands indented before the first event is configuration; the rest of it is always the same.
//   EVENT                       INSTANCE NAME STATE PRIORITY · GROUP NAME STATE · RS ADDRESS STATE · VS STATE [WEIGHT] · RELOAD
//     run, write, mail …        what follows

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from '../../control/config/load.js';
import type { Config } from '../../control/config/model.js';
import type { HealthEvent } from '../../control/health/events.js';
import {
  createMemory,
  type Memory,
  type Notice,
  ofHealth,
  ofTransition,
  statesOnReload,
  type Transition,
} from '../../control/notify/notices.js';

const DIRECTORY = join(import.meta.dirname, '../../../test/notify/transcripts');

for (const file of readdirSync(DIRECTORY).filter((name) => name.startsWith('notices-'))) {
  const path = join(DIRECTORY, file);
  const text = readFileSync(path, 'utf8');
  test(text.split('\n', 1)[0] ?? file, () => {
    const played = play(text);
    if (process.env.REWRITE) writeFileSync(path, played);
    else assert.equal(played, text);
  });
}

function play(text: string): string {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  const first = lines.findIndex((line) => /^[A-Z]/.test(line));
  const header = lines.slice(0, first);
  const config = configOf(header);
  const memory = createMemory();
  const events = lines.slice(first).filter((line) => !line.startsWith(' '));
  const played = events.flatMap((event) => [event, ...noticesOf(config, memory, event).map((notice) => `  ${shown(notice)}`)]);
  return `${[title, ...header, ...played].join('\n')}\n`;
}

/** `global`, `instance`, `group`, `server`, `service`: a keyword and its values for that block. */
function configOf(lines: readonly string[]): Config {
  const within = (block: string): string =>
    lines.flatMap((line) => (line.trim().startsWith(`${block} `) ? [line.trim().slice(block.length)] : [])).join('\n');
  const text = `global_defs {\nrouter_id lb1\nscript_user root\nenable_script_security\nsmtp_server 127.0.0.1\nnotification_email {\na@b\n}\n${within('global')}\n}
vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n${within('instance')}\n}
vrrp_instance B {\ninterface eth0\nvirtual_router_id 2\nvirtual_ipaddress {\n10.0.0.2\n}\n}
vrrp_sync_group G {\ngroup {\nA\nB\n}\n${within('group')}\n}
virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n${within('service')}
real_server 192.168.1.1 80 {\n${within('server')}\n}\n}\n`;
  const files: Record<string, string> = { 'natlb.conf': text, '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n', '/etc/group': 'root:x:0:\n' };
  const { config, findings } = load(
    'natlb.conf',
    (path) => files[path] ?? new Error('there is none'),
    () => [],
  );
  assert.deepEqual(findings, []);
  return config!;
}

function noticesOf(config: Config, memory: Memory, line: string): Notice[] {
  const [what, ...words] = line.split(/\s+/);
  const [name = '', state = '', priority = '0'] = words;
  if (what === 'INSTANCE' || what === 'GROUP')
    return ofTransition(config, memory, { what, name, state: state as Transition['state'], priority: Number(priority) });
  if (what === 'RELOAD') return statesOnReload(config, memory);
  const service = config.virtualServers[0]!;
  const up = (what === 'RS' ? state : name) as HealthEvent['state'];
  const stopping = line.endsWith('stopping') ? { stopping: true as const } : {};
  if (what === 'VS') return ofHealth(config, { kind: 'quorum', service, state: up, weight: Number(words[1] ?? 0), ...stopping });
  return ofHealth(config, { kind: 'server', service, server: service.realServers[0]!, state: up, ...stopping });
}

function shown(notice: Notice): string {
  if (notice.kind === 'write') return `write ${notice.side}: ${JSON.stringify(notice.line)}`;
  if (notice.kind === 'mail') return `mail ${notice.subject}: ${notice.text}`;
  const words = [...notice.script.argv, ...notice.arguments].map((word) => (/\s|^$/.test(word) ? JSON.stringify(word) : word));
  return `run ${notice.side}: ${words.join(' ')}${notice.stopping ? ', for a second at most' : ''}`;
}
