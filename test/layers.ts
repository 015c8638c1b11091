// The layering of ARCHITECTURE.md as rules over source text: who may import or include whom. layers.test.ts runs them over the tree.

import { dirname, join, normalize } from 'node:path/posix';

/** Path from the top of the tree → text. */
export type Sources = ReadonlyMap<string, string>;

interface Reference {
  readonly from: string;
  /** A path in the tree, `node:x`, `<x>` for a system header, or the name of a package. */
  readonly to: string;
}

interface Layer {
  readonly folder: RegExp;
  /** What its files may refer to, themselves included. */
  readonly mayUse: RegExp;
  readonly because: string;
}

/** Header names `native/core` may include: values and containers, nothing that reaches the machine. */
const CORE_HEADERS =
  /^<(algorithm|array|atomic|bit|cassert|climits|compare|concepts|cstddef|cstdint|cstring|iterator|limits|memory|new|numeric|optional|span|string|string_view|tuple|type_traits|utility|vector|(emm|nmm|imm)intrin\.h)>$/;

/** In these folders everything decides and nothing acts, but for the hands named here. A new file is pure until it is added. */
const HANDS: Readonly<Record<string, readonly string[]>> = {
  config: ['file', 'local-host'],
  dumps: ['driver', 'write'],
  health: [
    'connection',
    'datagrams',
    'driver',
    'probe',
    'probe-dns',
    'probe-http',
    'probe-misc',
    'probe-ping',
    'probe-smtp',
    'probe-tcp',
    'probe-udp',
    'regex',
    'system-clock',
    'tls',
  ],
  dbus: ['driver', 'service'],
  notify: ['crew', 'driver', 'fifos', 'mailer'],
  reconcile: [],
  reload: ['load-thread', 'loader', 'reload-file', 'reloader', 'time-file'],
  bfd: ['driver', 'socket'],
  track: ['delayed-host', 'driver', 'files', 'look', 'process-list'],
  vrrp: [
    'advert-socket',
    'announcer',
    'announcer-process',
    'announcing',
    'driver',
    'hashes',
    'hearing',
    'holding',
    'links',
    'paced-announcer',
    'possessions',
    'unit',
  ],
};
const PURE = union(...Object.entries(HANDS).map(([folder, hands]) => new RegExp(`^control/${folder}/(?!(${hands.join('|')})\\.ts$)`)));
const MODELS = /^(dataplane\/protocol|control\/status)\.ts$/;

/** What a pure file may not even mention: the clock, timers, the process around it. */
const IMPURE_WORDS = /\b(Date|setTimeout|setInterval|setImmediate|queueMicrotask|performance|process|console|fetch|require)\b/g;

const VAGUE_NAMES = /^(utils?|helpers?|misc|common|shared|stuff)$/;

/** First match decides. */
const LAYERS: readonly Layer[] = [
  { folder: /^native\/test\//, mayUse: /./, because: 'tests may use everything' },
  {
    folder: /^native\/core\//,
    mayUse: union(/^native\/core\//, CORE_HEADERS),
    because: 'core is bytes in, bytes out: itself and a short list of std headers',
  },
  {
    folder: /^native\/bpf\//,
    mayUse: /^(native\/(bpf\/|core\/live_hash\.h)|<((linux|bpf|asm)\/|std(bool|def|int)\.h))/,
    because: 'the kernel runs it: kernel and libbpf headers, and the hash it shares with the worker',
  },
  { folder: /^native\/io\//, mayUse: union(/^native\/(core|bpf|io)\//, /^<(?!napi)/), because: 'io stands on core' },
  { folder: /^native\/engine\//, mayUse: union(/^native\/(core|io|engine)\//, /^<(?!napi)/), because: 'engine stands on io and core' },
  {
    folder: /^native\/addon\//,
    mayUse: /^(native\/(core|io|engine|addon)\/|<)/,
    because: 'the addon is the bridge over engine, io and core',
  },
  {
    folder: /^native\/host\//,
    mayUse: /^(native\/(core|io|host)\/|<)/,
    because: 'the host addon belongs to control and knows nothing of workers',
  },
  { folder: /^dataplane\//, mayUse: /^(dataplane\/|node:)/, because: 'dataplane loads the forwarder addon and nothing else' },
  {
    folder: PURE,
    mayUse: union(PURE, MODELS),
    because: 'a pure module knows only other pure modules: what happens is its argument',
  },
  {
    folder: /^control\//,
    mayUse: /^(?!(bench|test)\/|(.*\/)?main\.ts$)/,
    because: 'control uses what is below it, and nothing uses main.ts',
  },
  { folder: /^(bench|test)\//, mayUse: /./, because: 'bench and test may use everything' },
];

/** One sentence for each breach; none when all is well. */
export function breaches(sources: Sources): string[] {
  const references = [...sources].flatMap(([path, text]) => referencesOf(path, text));
  return [
    ...references.flatMap(layerBreaches),
    ...[...sources].flatMap(impureWords),
    ...cycles(references),
    ...[...sources.keys()].flatMap(vagueName),
  ];
}

function union(...expressions: readonly RegExp[]): RegExp {
  return new RegExp(expressions.map((expression) => `(?:${expression.source})`).join('|'));
}

function referencesOf(path: string, text: string): Reference[] {
  const names = path.endsWith('.ts') ? imports(path, text) : includes(path, text);
  return names.map((to) => ({ from: path, to }));
}

function imports(path: string, text: string): string[] {
  const found = withoutComments(text).matchAll(/(?<!')\b(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...found].map(([, name = '']) => (name.startsWith('.') ? normalize(join(dirname(path), name)).replace(/\.js$/, '.ts') : name));
}

/** Quoted names are relative to native/, as the compiler is told. */
function includes(path: string, text: string): string[] {
  const found = withoutComments(text).matchAll(/^\s*#\s*include\s+(?:"([^"]+)"|(<[^>]+>))/gm);
  return [...found].map(([, quoted, system]) => system ?? inNative(path, quoted ?? ''));
}

function inNative(path: string, name: string): string {
  return name.includes('/') ? normalize(join('native', name)) : normalize(join(dirname(path), name));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function layerBreaches({ from, to }: Reference): string[] {
  const layer = LAYERS.find(({ folder }) => folder.test(from));
  if (layer === undefined) return [`${from} is in no layer`];
  return layer.mayUse.test(to) ? [] : [`${from} may not use ${to}: ${layer.because}`];
}

function impureWords([path, text]: readonly [string, string]): string[] {
  if (!PURE.test(path)) return [];
  const words = new Set(withoutStrings(withoutComments(text)).match(IMPURE_WORDS));
  return [...words].map((word) => `${path} may not mention ${word}: a pure module has its time and its surroundings as arguments`);
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

/** Every file that can reach itself, each circle told once. */
function cycles(references: readonly Reference[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of references) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push(`a circle: ${[...trail.slice(at), path].join(' → ')}`);
    if (at >= 0 || done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}

function vagueName(path: string): string[] {
  const vague = path.split('/').filter((part) => VAGUE_NAMES.test(part.replace(/\..*$/, '')));
  return vague.map((part) => `${path}: "${part}" says nothing about what is inside`);
}
