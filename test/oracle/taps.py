"""Inside the guest: makes eth0 and eth1 as tap devices, the network of world.ts around them, and becomes the program it is given, which gets the
numbers of their descriptors as its last arguments. What is written to one of them has been through the kernel, and what came of it can be read,
when write() returns: nothing has to be waited for. A third descriptor takes lines for an ipvsadm that stays: starting a program is slow here."""

import fcntl
import os
import struct
import subprocess
import sys

# A frame has a virtio_net_hdr before it.
TUNSETIFF, IFF_TAP_NO_PI_VNET_HDR = 0x400454CA, 0x5002

NETWORK = """
addr add 203.0.113.9/24 dev eth0
addr add 10.11.12.9/24 dev eth1
route add local 172.16.0.0/12 dev lo
route add default via 203.0.113.254
neigh add 203.0.113.254 lladdr 02:00:00:00:00:fe dev eth0
addr add 2001:db8:1::9/64 dev eth0 nodad
addr add fd00:11:12::9/64 dev eth1 nodad
route add local 2001:db8:113::/48 dev lo
route add default via 2001:db8:1::fe
neigh add 2001:db8:1::fe lladdr 02:00:00:00:00:fe dev eth0
"""

SETTINGS = {
    "net/ipv4/ip_forward": 1,
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/all/send_redirects": 0,
    "net/ipv4/icmp_ratelimit": 0,
    "net/ipv4/icmp_msgs_per_sec": 1000000000,
    "net/ipv4/icmp_msgs_burst": 1000000000,
    "net/ipv6/conf/all/forwarding": 1,
    "net/ipv6/conf/all/accept_dad": 0,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/auto_flowlabels": 0,
    "net/ipv6/icmp/ratelimit": 0,
}


def tap(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI_VNET_HDR))
    os.set_inheritable(descriptor, True)
    return descriptor


def ip(lines):
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)


def neighbours(server):
    mac = f"02:00:00:00:01:{server:02}"
    return (
        f"neigh add 10.11.12.{server} lladdr {mac} dev eth1\n"
        f"neigh add fd00:11:12::{server} lladdr {mac} dev eth1\n"
    )


for path, value in SETTINGS.items():
    with open(f"/proc/sys/{path}", "w") as file:
        file.write(str(value))
taps = [tap("eth0"), tap("eth1")]
ip("link set lo up\n")
for number, mtu in enumerate((1500, 1400)):
    ip(f"link set eth{number} address 02:00:00:00:00:0{number + 1} mtu {mtu} addrgenmode none up\n")
ip(NETWORK)
ip("".join(neighbours(server) for server in (1, 2, 3, 4, 5, 6, 7, 8, 77)))
subprocess.run(["tc", "qdisc", "add", "dev", "eth0", "clsact"], check=True)
read_end, write_end = os.pipe()
subprocess.Popen(["ipvsadm", "-R"], stdin=read_end)
os.close(read_end)
os.set_inheritable(write_end, True)
os.execv(sys.argv[1], sys.argv[1:] + [str(descriptor) for descriptor in taps + [write_end]])
