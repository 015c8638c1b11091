// `use_vmac [[name] INTERFACE] [MAC] [netlink_notify_msg] [group GROUP]` in a vrrp_instance. keepalived.conf(5).

import type { VirtualMacDraft } from '../draft.js';
import type { Arguments } from '../keyword.js';

const NAME_LENGTH = 15;
const VIRTUAL_ROUTERS = /^00:00:5e:00:0[12]:/;

export function virtualMac(arg: Arguments): VirtualMacDraft {
  const draft: { -readonly [Field in keyof VirtualMacDraft]: VirtualMacDraft[Field] } = {};
  while (arg.more()) {
    const word = arg.word('a name');
    if (word.includes(':')) draft.mac = macOf(arg, word);
    else if (word === 'group') draft.group = arg.kernelNumber('groups', 'a group of interfaces');
    // The kernel tells of a changed parent by itself, as far as anything here depends on it.
    else if (word !== 'netlink_notify_msg') draft.name = interfaceName(arg, word === 'name' ? arg.word('the name of an interface') : word);
  }
  return draft;
}

/** Five octets are followed by the virtual_router_id. */
function macOf(arg: Arguments, text: string): string {
  const octets = text.replace(/:$/, '').split(':');
  if ((octets.length !== 5 && octets.length !== 6) || octets.some((octet) => !/^[0-9a-f]{1,2}$/i.test(octet)))
    arg.refuse(`expected a MAC address of 5 or 6 octets, found '${text}'`);
  const mac = octets.map((octet) => octet.toLowerCase().padStart(2, '0')).join(':');
  if ((Number.parseInt(mac, 16) & 1) === 1) arg.refuse(`${mac} is a multicast address`);
  if (VIRTUAL_ROUTERS.test(mac)) arg.refuse(`${mac} is of the virtual routers' own range`, 'write use_vmac without a MAC');
  return mac;
}

export function interfaceName(arg: Arguments, name: string): string {
  if (name.length === 0 || name.length > NAME_LENGTH || /[/\s:]/.test(name) || name === '.' || name === '..')
    arg.refuse(`'${name}' cannot be the name of an interface`, `at most ${NAME_LENGTH} characters, without '/' and ':'`);
  return name;
}
