// Writes the first inputs of fuzz_forward into a folder: well-formed packets of every kind, so that mutation begins behind the parser's
// door.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "test/scene.h"

using namespace natlb;

namespace {

void append(std::vector<uint8_t>& input, uint8_t kind, const std::vector<uint8_t>& frame) {
  input.insert(input.end(), {kind, static_cast<uint8_t>(frame.size() >> 8), static_cast<uint8_t>(frame.size())});
  input.insert(input.end(), frame.begin(), frame.end());
}

void write(const std::string& path, const std::vector<uint8_t>& input) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

// The same frame cut off behind every number of bytes, one packet each; `first` replaces the first byte of its IP header.
std::vector<uint8_t> cut_everywhere(std::vector<uint8_t> frame, uint8_t first) {
  frame[kEthernetHeader] = first;
  std::vector<uint8_t> input;
  for (size_t length = 0; length < frame.size() && length < kBatch; ++length) {
    append(input, 0, {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length)});
  }
  return input;
}

// An ICMP error (port unreachable) from a server about the packet `quoted`, addressed to its sender.
std::vector<uint8_t> icmp_about(const std::vector<uint8_t>& quoted, bool is_v4) {
  const size_t header = is_v4 ? kIPv4Header : kIPv6Header;
  std::vector<uint8_t> bytes(quoted.begin(), quoted.begin() + static_cast<std::ptrdiff_t>(kEthernetHeader + header));
  const std::vector<uint8_t> message = [&] {
    std::vector<uint8_t> made{static_cast<uint8_t>(is_v4 ? 3 : 1), static_cast<uint8_t>(is_v4 ? 3 : 4), 0, 0, 0, 0, 0, 0};
    made.insert(made.end(), quoted.begin() + kEthernetHeader, quoted.end());
    return made;
  }();
  uint8_t* ip = bytes.data() + kEthernetHeader;
  if (is_v4) {
    store16(ip + ipv4::kTotalLength, to_wire(static_cast<uint16_t>(header + message.size())));
    ip[ipv4::kProtocol] = kIcmp;
    std::swap_ranges(ip + ipv4::kSource, ip + ipv4::kSource + 4, ip + ipv4::kTarget);
    store16(ip + ipv4::kChecksum, 0);
    store16(ip + ipv4::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(ip, kIPv4Header))));
  } else {
    store16(ip + ipv6::kPayloadLength, to_wire(static_cast<uint16_t>(message.size())));
    ip[ipv6::kNextHeader] = kIcmpV6;
    std::swap_ranges(ip + ipv6::kSource, ip + ipv6::kSource + 16, ip + ipv6::kTarget);
  }
  bytes.insert(bytes.end(), message.begin(), message.end());
  uint8_t* icmp = bytes.data() + kEthernetHeader + header;
  const uint64_t start = is_v4 ? 0 : pseudo_header_sum(bytes.data() + kEthernetHeader, false, kIcmpV6, message.size());
  store16(icmp + icmp::kChecksum, static_cast<uint16_t>(~fold(sum_bytes(icmp, message.size(), start))));
  return bytes;
}

// An FTP control connection that agrees on data connections, its checksums left to the NIC: so what mutation makes of the text is read.
std::vector<uint8_t> ftp_dialogue(const Endpoint& client, const Endpoint& server) {
  constexpr uint8_t kPrivate = 1, kPartial = 4, kRoom = 8, kHelps = 16;
  const bool is_v4 = client.address.is_v4();
  const Endpoint service = scene::endpoint(is_v4 ? "203.0.113.10" : "2001:db8::10", scene::kServicePort);
  std::vector<uint8_t> input;
  uint32_t said_by_client = 1, said_by_server = 1;
  const auto say = [&](bool is_server, uint8_t flags, const std::string& text) {
    uint32_t &own = is_server ? said_by_server : said_by_client, &other = is_server ? said_by_client : said_by_server;
    scene::Wanted wanted{
        is_server ? server : client, is_server ? client : service, kTcp, flags, 64, {text.begin(), text.end()}, own, other};
    std::vector<uint8_t> frame = scene::frame(is_server ? scene::kPrivateMac : scene::kPublicMac, wanted);
    frame[6] = static_cast<uint8_t>(kEthernetHeader + (is_v4 ? kIPv4Header : kIPv6Header));  // see fuzz_forward's offload_of
    frame[7] = tcp::kChecksum;
    const bool opens = (flags & tcp::kSyn) != 0;
    append(input, (opens ? 0 : kPartial) | kRoom | kHelps | (is_server ? kPrivate : 0), frame);
    own += static_cast<uint32_t>(text.size()) + (opens ? 1 : 0);
  };
  say(false, tcp::kSyn, "");
  say(true, tcp::kSyn | tcp::kAck, "");
  say(false, tcp::kAck, is_v4 ? "PASV\r\nEPSV\r\nPORT 198,51,100,7,195,80\r\n" : "EPSV\r\nEPRT |2|2001:db8:7::7|50000|\r\n");
  say(true, tcp::kAck, is_v4 ? "227 ok (10,11,12,2,195," : "229 (|2|fd00:");
  say(true, tcp::kAck, is_v4 ? "80)\r\n229 (|||50001|)\r\n" : "11::2|50000|)\r\n");
  say(false, tcp::kAck, "");
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: seed_forward FOLDER\n"), 64;
  const std::string folder = arguments[1];
  int number = 0;
  for (const char* client : {"198.51.100.7", "2001:db8:7::7"}) {
    const Endpoint from = scene::endpoint(client, 1024);
    const bool is_v4 = from.address.is_v4();
    write(folder + "/seed-" + std::to_string(number++),
          ftp_dialogue(scene::endpoint(client, 1025), scene::endpoint(is_v4 ? "10.11.12.2" : "fd00:11::2", scene::kDestinationPort)));
    for (const uint8_t protocol : {kTcp, kUdp}) {
      const std::vector<uint8_t> whole = scene::from_client(from, protocol, tcp::kAck);
      write(folder + "/seed-" + std::to_string(number++), cut_everywhere(whole, whole[kEthernetHeader]));
      write(folder + "/seed-" + std::to_string(number++), cut_everywhere(whole, is_v4 ? 0x4f : 0x6f));
      for (const uint8_t flags : {tcp::kSyn, tcp::kAck, tcp::kFin, tcp::kRst}) {
        const Endpoint server = scene::endpoint(is_v4 ? "10.11.12.1" : "fd00:11::1", scene::kDestinationPort);
        std::vector<uint8_t> input;
        append(input, 0, scene::from_client(from, protocol, flags));
        append(input, 1, scene::from_server(server, from, protocol, flags));
        append(input, 8, icmp_about(scene::from_client(from, protocol, flags), is_v4));
        append(input, 9, icmp_about(scene::from_server(server, from, protocol, flags), is_v4));
        write(folder + "/seed-" + std::to_string(number++), input);
      }
    }
  }
  return 0;
}
