// Asks an address by ICMP echo all the time and prints when each answer came: node asker.js ADDRESS EVERY-MS. (ping(8) takes a CPU at this pace.)

import raw from 'raw-socket';
import { internetChecksum } from '../control/vrrp/packet.js';

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const ICMP = 1;

const [address = '', everyMs = ''] = process.argv.slice(2);
const identifier = process.pid & 0xffff;
const socket = raw.createSocket({ protocol: ICMP, addressFamily: 1 });
let sequence = 0;

socket.on('message', (packet: Buffer) => {
  const message = packet.subarray(((packet[0] ?? 0) & 15) * 4);
  if (message[0] !== ECHO_REPLY || message.readUInt16BE(4) !== identifier) return;
  process.stdout.write(`${performance.timeOrigin + performance.now()}\n`);
});
// Nobody at home is no reason to stop asking.
socket.on('error', () => undefined);

setInterval(() => {
  const request = Buffer.alloc(16);
  request[0] = ECHO_REQUEST;
  request.writeUInt16BE(identifier, 4);
  request.writeUInt16BE(sequence++ & 0xffff, 6);
  request.writeUInt16BE(internetChecksum(request), 2);
  socket.send(request, 0, request.length, address, () => undefined);
}, Number(everyMs));
