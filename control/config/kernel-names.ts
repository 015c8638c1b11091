// The names people give to the numbers of routing tables and the like, in the files of iproute2: /etc/iproute2/rt_tables and others.

import type { Files } from './expand.js';

export type NameKind = 'tables' | 'protocols' | 'scopes' | 'realms' | 'tos' | 'groups';

/** Undefined: nobody named it, or the number is none. */
export type KernelNames = (kind: NameKind, name: string) => number | undefined;

interface Row {
  readonly file: string;
  readonly largest: number;
  readonly known: readonly (readonly [name: string, number: number])[];
}

const ROWS: Readonly<Record<NameKind, Row>> = {
  tables: {
    file: 'rt_tables',
    largest: 0xffffffff,
    known: [
      ['default', 253],
      ['main', 254],
      ['local', 255],
    ],
  },
  protocols: {
    file: 'rt_protos',
    largest: 255,
    known: [
      ['none', 0],
      ['redirect', 1],
      ['kernel', 2],
      ['boot', 3],
      ['static', 4],
      ['gated', 8],
      ['ra', 9],
      ['mrt', 10],
      ['zebra', 11],
      ['bird', 12],
      ['dnrouted', 13],
      ['xorp', 14],
      ['ntk', 15],
      ['dhcp', 16],
      ['keepalived', 18],
      ['babel', 42],
    ],
  },
  scopes: {
    file: 'rt_scopes',
    largest: 255,
    known: [
      ['global', 0],
      ['site', 200],
      ['link', 253],
      ['host', 254],
      ['nowhere', 255],
    ],
  },
  realms: { file: 'rt_realms', largest: 0xffff, known: [['cosmos', 0]] },
  tos: { file: 'rt_dsfield', largest: 255, known: [] },
  groups: { file: 'group', largest: 0x7fffffff, known: [['default', 0]] },
};

const DIRECTORIES = ['/usr/share/iproute2', '/etc/iproute2'];

/** Reads a file when a name of its kind is first asked for. */
export function kernelNames(files: Files): KernelNames {
  const read = new Map<NameKind, ReadonlyMap<string, number>>();
  return (kind, name) => {
    const number = parseNumber(name);
    if (number !== undefined) return number <= ROWS[kind].largest ? number : undefined;
    const names = read.get(kind) ?? namesIn(ROWS[kind], files);
    read.set(kind, names);
    return names.get(name);
  };
}

function parseNumber(text: string): number | undefined {
  return /^(?:\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : undefined;
}

/** The administrator's files, read last, win. */
function namesIn({ file, known }: Row, { readFile, glob }: Files): ReadonlyMap<string, number> {
  const paths = DIRECTORIES.flatMap((directory) => [`${directory}/${file}`, ...glob(`${directory}/${file}.d/*.conf`)]);
  return new Map([...known, ...paths.flatMap((path) => linesOf(readFile(path)))]);
}

/** `NUMBER NAME`, with comments. */
function linesOf(text: string | Error): [string, number][] {
  if (typeof text !== 'string') return [];
  return text.split('\n').flatMap((line): [string, number][] => {
    const [number = '', name] = line.replace(/#.*/, '').trim().split(/\s+/);
    const value = parseNumber(number);
    return value === undefined || name === undefined ? [] : [[name, value]];
  });
}
