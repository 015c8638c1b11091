// Sends IPv4 or IPv6 packets as they are given: node sender.js INTERFACE [DESTINATION], one packet in hexadecimal on each line of standard input.

import { text } from 'node:stream/consumers';
import raw from 'raw-socket';

const SO_BINDTODEVICE = 25;
const IP_HDRINCL = 3;
const IPV6_HDRINCL = 36;

const packets = (await text(process.stdin)).split('\n').filter(Boolean);
const ipv6 = packets[0]?.startsWith('6') === true;
const socket = raw.createSocket({ protocol: 255, addressFamily: ipv6 ? 2 : 1 });
const device = Buffer.from(`${process.argv[2]}\0`);
socket.setOption(1, SO_BINDTODEVICE, device, device.length);
socket.setOption(ipv6 ? 41 : 0, ipv6 ? IPV6_HDRINCL : IP_HDRINCL, 1);
// Nothing else would keep the garbage collector from closing it.
process.on('exit', () => socket.close());

let left = packets.length;
for (const packet of packets.map((line) => Buffer.from(line, 'hex'))) {
  socket.send(packet, 0, packet.length, process.argv[3] ?? (ipv6 ? 'ff02::12' : '224.0.0.18'), (error) => {
    if (error !== null) throw error;
    if (--left === 0) process.exit(0);
  });
}
