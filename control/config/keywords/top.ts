// What may stand at the top of a configuration, and in which blocks a keyword is known at all.

import type { InstanceDraft, SyncGroupDraft, TopDraft, TrackGroupDraft } from '../draft.js';
import { type Arguments, type Block, block, type Keyword, type Placed } from '../keyword.js';
import { acceptedAtTheTop } from './accepted.js';
import { staticAddress } from './address-line.js';
import { hmacBlock } from './auth-hmac.js';
import { bfdInstance, bfdInstanceBlock } from './bfd.js';
import { bfdBlock, dnsBlock, fileBlock, miscBlock, pingBlock, smtpBlock, tcpBlock, udpBlock } from './checkers.js';
import { httpBlock, sslBlock, tlsFilesBlock, urlBlock } from './checkers-http.js';
import { garpGroup, garpGroupBlock } from './garp-group.js';
import { globalBlock } from './global.js';
import { group } from './group.js';
import { natlbBlock } from './natlb.js';
import { nameOfFile } from './operating.js';
import { route } from './route.js';
import { rule } from './rule.js';
import { serviceOptionsBlock } from './service-options.js';
import { linkDelay } from './track.js';
import { realServerBlock, virtualServer, virtualServerBlock } from './virtual-server.js';
import { authenticationBlock, instanceBlock, syncGroupBlock } from './vrrp.js';
import { processBlock, scriptBlock, watchedFile, watchedFileBlock, watchedProcess, watchedScript } from './watched.js';

const trackGroupKeywords: readonly Keyword<TrackGroupDraft>[] = [
  { name: 'group', takes: '{ INSTANCE… }', set: (arg) => ({ members: arg.lines((line) => line.rest('names of instances')).flat() }) },
];

const trackGroupBlock = block('track_group', trackGroupKeywords);

/** The blocks that are read straight into what the configuration has one of. */
export function topBlock({ global, settings, statics }: TopDraft): Block<TopDraft> {
  const keywords: readonly Keyword<TopDraft>[] = [
    { name: 'global_defs', takes: '{ … }', set: (arg) => ({ global: arg.block(globalBlock, global) }) },
    { name: 'instance', takes: 'NAME', set: (arg) => ({ global: Object.assign(global, { instanceName: nameOfFile(arg) }) }) },
    { name: 'natlb', takes: '{ … }', set: (arg) => ({ settings: arg.block(natlbBlock, settings) }) },
    { name: 'vrrp_instance', takes: 'NAME { … }', set: (arg) => ({ instances: instance(arg) }) },
    { name: 'vrrp_sync_group', takes: 'NAME { … }', set: (arg) => ({ syncGroups: syncGroup(arg) }) },
    { name: 'static_ipaddress', takes: '{ ADDRESS… }', set: (arg) => grow(statics.addresses, arg.lines(staticAddress)) },
    { name: 'static_routes', takes: '{ ROUTE… }', set: (arg) => grow(statics.routes, arg.lines((line) => route(line, 'static')).flat()) },
    {
      name: 'static_rules',
      takes: '{ RULE… }',
      set: (arg) =>
        grow(
          statics.rules,
          arg.lines((line) => rule(line, 'static')),
        ),
    },
    { name: 'track_group', takes: 'NAME { group { INSTANCE… } }', set: (arg) => ({ trackGroups: trackGroup(arg) }) },
    { name: 'garp_group', takes: '{ … }', set: (arg) => ({ garpGroups: garpGroup(arg) }) },
    { name: 'virtual_server_group', takes: 'NAME { ADDRESS [PORT]… }', set: (arg) => ({ groups: group(arg) }) },
    { name: 'virtual_server', takes: 'ADDRESS [PORT] { … }', set: (arg) => ({ virtualServers: [...virtualServer(arg)] }) },
    { name: 'vrrp_script', takes: 'NAME { … }', set: (arg) => ({ trackScripts: watchedScript(arg) }) },
    { name: 'track_file', takes: 'NAME { … }', set: (arg) => ({ trackFiles: watchedFile(arg) }) },
    { name: 'vrrp_track_file', takes: 'NAME { … }', set: (arg) => ({ trackFiles: watchedFile(arg) }) },
    { name: 'track_process', takes: 'NAME { … }', set: (arg) => ({ trackProcesses: watchedProcess(arg) }) },
    { name: 'vrrp_track_process', takes: 'NAME { … }', set: (arg) => ({ trackProcesses: watchedProcess(arg) }) },
    { name: 'bfd_instance', takes: 'NAME { … }', set: (arg) => ({ bfdInstances: bfdInstance(arg) }) },
    {
      name: 'interface_up_down_delays',
      takes: '{ INTERFACE DOWN-SECONDS [UP-SECONDS]… }',
      set: (arg) => ({ linkDelays: arg.lines(linkDelay) }),
    },
    { name: 'SSL', takes: '{ … }', set: (arg) => ({ tls: arg.block(tlsFilesBlock, { places: { block: arg.place } }) }) },
    ...laterKeywords,
  ];
  return block('the configuration', keywords);
}

const laterKeywords: readonly Keyword<Placed>[] = [
  ...acceptedAtTheTop,
  { name: 'net_namespace', takes: 'NAME', without: 'natlb stays in the namespace it is started in' },
  { name: 'net_namespace_ipvs', takes: 'NAME', without: 'there is no IPVS to put anywhere' },
];

/** Everything a mistaken place could have been meant for, and natlb.conf(5) describes. */
export const BLOCKS: readonly Pick<Block<unknown>, 'name' | 'keywords'>[] = [
  {
    name: 'the top of the file',
    keywords: topBlock({ global: { places: {} }, settings: { places: {} }, statics: {} } as TopDraft).keywords,
  },
  globalBlock,
  natlbBlock,
  instanceBlock,
  authenticationBlock,
  hmacBlock,
  garpGroupBlock,
  syncGroupBlock,
  virtualServerBlock,
  serviceOptionsBlock,
  realServerBlock,
  tcpBlock,
  httpBlock,
  sslBlock,
  urlBlock,
  smtpBlock,
  dnsBlock,
  miscBlock,
  udpBlock,
  pingBlock,
  bfdBlock,
  fileBlock,
  scriptBlock,
  processBlock,
  watchedFileBlock,
  bfdInstanceBlock,
];

const blocksByKeyword: ReadonlyMap<string, readonly string[]> = indexByKeyword();

export function blocksOf(keyword: string): readonly string[] {
  return blocksByKeyword.get(keyword) ?? [];
}

function indexByKeyword(): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const { name, keywords } of BLOCKS) for (const keyword of keywords.keys()) index.set(keyword, [...(index.get(keyword) ?? []), name]);
  return index;
}

function instance(arg: Arguments): InstanceDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const places = { block: arg.place };
  const draft = arg.block(instanceBlock, {
    name: name ?? '',
    addresses: [],
    excludedAddresses: [],
    routes: [],
    rules: [],
    tracked: [],
    unicastPeers: [],
    places,
  });
  return name === undefined ? [] : [draft];
}

function syncGroup(arg: Arguments): SyncGroupDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(syncGroupBlock, { name: name ?? '', members: [], tracked: [], places: { block: arg.place } });
  return name === undefined ? [] : [draft];
}

function trackGroup(arg: Arguments): TrackGroupDraft[] {
  const name = arg.attempt(() => arg.word('a name'));
  const draft = arg.block(trackGroupBlock, { name: name ?? '', members: [], places: { block: arg.place } });
  return name === undefined ? [] : [draft];
}

/** A block that may stand there several times. */
function grow<Item>(list: Item[], more: readonly Item[]): Record<string, never> {
  for (const item of more) list.push(item);
  return {};
}
