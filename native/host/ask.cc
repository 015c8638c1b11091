// Sends a request and gathers the answer, with the kernel's extended acknowledgements (netlink(7), NETLINK_EXT_ACK).
#include "host/ask.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace natlb {

namespace {

constexpr size_t kBufferBytes = 64 * 1024;

struct Close {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, Close>;

[[noreturn]] void fail(const char* doing) { throw std::system_error(errno, std::generic_category(), doing); }

// Of these options an older kernel may know none: then it answers with less.
void switch_on(mnl_socket* socket, int option) {
  int on = 1;
  mnl_socket_setsockopt(socket, option, &on, sizeof on);
}

Socket open_socket() {
  Socket socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("cannot open a netlink socket");
  switch_on(socket.get(), NETLINK_EXT_ACK);
  switch_on(socket.get(), NETLINK_CAP_ACK);
  switch_on(socket.get(), NETLINK_GET_STRICT_CHK);
  return socket;
}

int keep_text(const nlattr* attribute, void* text) {
  if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) {
    *static_cast<std::string*>(text) = mnl_attr_get_str(attribute);
  }
  return MNL_CB_OK;
}

void read_error(const nlmsghdr* message, Answer& answer) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return;
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
  answer.error = -error->error;
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return;
  const size_t quoted = (message->nlmsg_flags & NLM_F_CAPPED) != 0 ? 0 : error->msg.nlmsg_len - sizeof(nlmsghdr);
  mnl_attr_parse(message, static_cast<unsigned>(sizeof *error + MNL_ALIGN(quoted)), keep_text, &answer.text);
}

// True when nothing more is to come.
bool take(const nlmsghdr* message, Answer& answer) {
  if (message->nlmsg_type == NLMSG_ERROR) {
    read_error(message, answer);
    return true;
  }
  if (message->nlmsg_type == NLMSG_DONE) return true;
  const auto* bytes = reinterpret_cast<const uint8_t*>(message);
  answer.messages.emplace_back(bytes, bytes + message->nlmsg_len);
  return false;
}

}  // namespace

Answer ask_kernel(std::vector<uint8_t> request) {
  constexpr uint32_t kOnly = 1;
  const Socket socket = open_socket();
  auto* header = reinterpret_cast<nlmsghdr*>(request.data());
  header->nlmsg_seq = kOnly;
  if (mnl_socket_sendto(socket.get(), request.data(), request.size()) < 0) fail("cannot ask the kernel by netlink");
  std::vector<uint8_t> buffer(kBufferBytes);
  Answer answer;
  for (bool done = false; !done;) {
    const ssize_t bytes = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) fail("cannot hear the kernel's answer by netlink");
    int left = static_cast<int>(bytes);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left) && !done;
         message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq == kOnly) done = take(message, answer);
    }
  }
  return answer;
}

}  // namespace natlb
