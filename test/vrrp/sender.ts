// Sends IPv4 packets as they are given: node sender.js INTERFACE, one packet in hexadecimal on each line of standard input.

import { text } from 'node:stream/consumers';
import raw from 'raw-socket';

const SO_BINDTODEVICE = 25;
const IP_HDRINCL = 3;

const socket = raw.createSocket({ protocol: 255, addressFamily: 1 });
const device = Buffer.from(`${process.argv[2]}\0`);
socket.setOption(1, SO_BINDTODEVICE, device, device.length);
socket.setOption(0, IP_HDRINCL, 1);
// Nothing else would keep the garbage collector from closing it.
process.on('exit', () => socket.close());

const packets = (await text(process.stdin)).split('\n').filter(Boolean);
let left = packets.length;
for (const packet of packets.map((line) => Buffer.from(line, 'hex'))) {
  socket.send(packet, 0, packet.length, '224.0.0.18', (error) => {
    if (error !== null) throw error;
    if (--left === 0) process.exit(0);
  });
}
