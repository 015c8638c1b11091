// Configurations as people break them: a line gone, a word replaced, a brace too many. The same seed gives the same ones.

export type Random = (below: number) => number;

/** mulberry32 */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Mutation = (lines: string[], random: Random) => void;

export function mutated(text: string, random: Random): string {
  const lines = text.split('\n');
  for (let left = 1 + random(3); left > 0; left -= 1) pick(MUTATIONS, random)(lines, random);
  return lines.join('\n');
}

/** What is written where something else should be. */
const WORDS = `0 1 2 -1 3 100 254 255 256 1000 65535 65536 4294967295 4294967296 99999999999 1.5 0.001 1.1234567 0x10 1x x
  10.0.0.1 10.0.0.0/24 10.0.0.256 10.0.0.1-5 192.168.200.17 2001:db8::1 2001:db8::/64 :: eth0 eth1 eth9 lo
  on off true no maybe TCP UDP SCTP tcp rr wrr lc wlc sh mh NAT DR TUN MASTER BACKUP PASS AH VI_1 VI_2 G1
  weight priority interface state advert_int delay_loop protocol lb_algo lb_kind quorum retry port`.split(/\s+/);

const LINES = [
  ...['priority 150', 'priority 0', 'advert_int 2', 'advert_int 0.5', 'version 3', 'nopreempt', 'preempt_delay 10', 'state BACKUP'],
  ...['virtual_router_id 7', 'garp_master_delay 5', 'track_interface {', 'virtual_ipaddress {', 'weight 5', 'quorum 2', 'hysteresis 1'],
  ...['inhibit_on_failure', 'delay_loop 5', 'connect_timeout 2', 'retry 3', 'persistence_timeout 60', 'ops', 'alpha', 'omega'],
  ...[
    'TCP_CHECK {',
    '}',
    '}',
    '{',
    'global_defs {',
    'router_id x',
    'vrrp_version 3',
    'smtp_alert',
    'bogus 1',
    'bogus {',
    '@main',
    '@other x',
  ],
  ...['$A=1', '$A= \\', 'real_server 10.0.0.1 80 {', 'enable_script_security', 'script_user root', 'include nothing*.conf'],
];

const MUTATIONS: readonly Mutation[] = [
  (lines, random) => void lines.splice(random(lines.length), 1),
  (lines, random) => void lines.splice(random(lines.length), 0, pick(lines, random)),
  (lines, random) => void lines.splice(random(lines.length), 0, pick(LINES, random)),
  swapLines,
  word((words, at, random) => words.with(at, pick(WORDS, random))),
  word((words, at, random) => words.with(at, pick(WORDS, random))),
  word((words, at, random) => words.toSpliced(at, 0, pick(WORDS, random))),
  word((words, at) => words.toSpliced(at, 1)),
  word((words, at) => words.toSpliced(at, 0, words[at] ?? '')),
  word((words, at, random) => words.with(at, damaged(words[at] ?? '', random))),
  word((words, at, random) => words.with(at, changedNumber(words[at] ?? '', random))),
];

function swapLines(lines: string[], random: Random): void {
  const [a, b] = [random(lines.length), random(lines.length)];
  [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
}

/** Changes one word of a line that has words. */
function word(change: (words: readonly string[], at: number, random: Random) => readonly string[]): Mutation {
  return (lines, random) => {
    const full = [...lines.keys()].filter((index) => lines[index]?.trim() !== '' && !/^\s*[#!]/.test(lines[index] ?? ''));
    if (full.length === 0) return;
    const index = pick(full, random);
    const [, space = '', rest = ''] = /^(\s*)(.*)$/.exec(lines[index] ?? '') ?? [];
    const words = rest.trim().split(/\s+/);
    lines[index] = space + change(words, random(words.length), random).join(' ');
  };
}

/** A letter too many, too few, or of the wrong kind. */
function damaged(text: string, random: Random): string {
  const at = random(text.length + 1);
  const letter = pick([...'abX_-./:"{}#19 '], random);
  return (
    [text.slice(0, at) + letter + text.slice(at), text.slice(0, at) + text.slice(at + 1), text.toUpperCase(), text.toLowerCase()][
      random(4)
    ] ?? ''
  );
}

function changedNumber(text: string, random: Random): string {
  return text.replace(/\d+/, (number) =>
    pick(['0', `-${number}`, `${number}0000`, String(Number(number) + 1), `${number}.5`, `${number}x`], random),
  );
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[random(items.length)]!;
}
