// A socket filter, sd_notify and file locks: thin over bpf(2), unix(7) and flock(2).
#include "host/system.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <iterator>

#include "io/owned.h"

namespace natlb {

namespace {

constexpr int kHopLimit = 7;  // where it stands in the IPv6 header (RFC 8200 3)

constexpr bpf_insn instruction(uint8_t code, uint8_t to, uint8_t from, int16_t jump, int32_t value) {
  return {code, to, from, jump, value};
}

}  // namespace

int load_hop_limit_filter(uint8_t lowest, uint8_t highest) {
  // LD_ABS wants the packet in register 6 and answers in register 0; a packet too short for it is not passed.
  const bpf_insn program[] = {
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0),
      instruction(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, SKF_NET_OFF + kHopLimit),
      instruction(BPF_JMP | BPF_JLT | BPF_K, BPF_REG_0, 0, 3, lowest),
      instruction(BPF_JMP | BPF_JGT | BPF_K, BPF_REG_0, 0, 2, highest),
      instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -1),  // bytes to keep: all
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),  // none
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  const int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "hop_limits", "MIT", program, std::size(program), nullptr);
  if (fd < 0) errno = -fd;
  return check(fd, "load the socket filter for IPv6 hop limits");
}

void notify(const std::string& socket, const std::string& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) {
    errno = EINVAL;
    check(-1, "notify the service manager at '" + socket + "'");
  }
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  const FileDescriptor sender{check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket to the service manager")};
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  check(static_cast<int>(sendto(sender.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT, to, length)),
        "notify the service manager at " + socket);
}

bool take_lock(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) check(-1, "lock a file");
  return false;
}

}  // namespace natlb
