// The text of an IP address as 32-bit words, for comparing addresses by value instead of by spelling.

/** One word for IPv4, four for IPv6, most significant first. The text is an address already; this does not check it. */
export function addressWords(address: string): readonly number[] {
  return address.includes(':') ? words6(address) : [word4(address)];
}

/** One spelling per (protocol, address, port), whoever wrote the address. */
export function serviceKey(service: { readonly protocol: string; readonly address: string; readonly port: number }): string {
  return `${service.protocol} ${endpointKey(service)}`;
}

export function endpointKey(endpoint: { readonly address: string; readonly port: number }): string {
  return `${addressWords(endpoint.address).join('.')} ${endpoint.port}`;
}

function word4(address: string): number {
  return address.split('.').reduce((word, byte) => word * 256 + Number(byte), 0);
}

function words6(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return [0, 2, 4, 6].map((at) => (all[at] ?? 0) * 0x10000 + (all[at + 1] ?? 0));
}

function groups(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? halves(word4(group)) : [Number.parseInt(group, 16)]));
}

function halves(word: number): readonly number[] {
  return [Math.floor(word / 0x10000), word % 0x10000];
}
