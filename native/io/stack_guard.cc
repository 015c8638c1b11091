// clsact and its filters, by libbpf; whether others use the same clsact, by rtnetlink.
#include "io/stack_guard.h"

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <memory>

#include "io/owned.h"

namespace natlb {
namespace {

// By these we know our own again: "nl".
constexpr uint32_t kPriority = 0x6e6c;
constexpr uint32_t kHandle = 1;

// libbpf prints what the kernel refused, though here a refusal is an answer. For one thread at a time, as all of Steering is.
class Quiet {
 public:
  Quiet() : printer_{libbpf_set_print(nullptr)} {}
  ~Quiet() { libbpf_set_print(printer_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  libbpf_print_fn_t printer_;
};

bpf_tc_hook hook_of(uint32_t index, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(index);
  hook.attach_point = point;
  return hook;
}

bpf_tc_opts ours() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

struct CloseSocket {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};

// True too when it cannot be found out.
bool has_filters(uint32_t index, uint16_t side) noexcept {
  const std::unique_ptr<mnl_socket, CloseSocket> socket{mnl_socket_open(NETLINK_ROUTE)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return true;
  alignas(nlmsghdr) std::array<char, 32768> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETTFILTER;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* filter = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
  filter->tcm_ifindex = static_cast<int>(index);
  filter->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return true;
  bool found = false;
  const auto look = [](const nlmsghdr* message, void* seen) {
    if (message->nlmsg_type == RTM_NEWTFILTER) *static_cast<bool*>(seen) = true;
    return MNL_CB_OK;
  };
  for (int result = MNL_CB_OK; result > MNL_CB_STOP;) {
    const ssize_t length = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (length < 0) return true;
    result = mnl_cb_run(buffer.data(), static_cast<size_t>(length), 0, mnl_socket_get_portid(socket.get()), look, &found);
    if (result < 0) return true;
  }
  return found;
}

}  // namespace

void StackGuard::attach(int program, const std::string& interface) {
  const Quiet quiet;
  find_predecessor();
  bpf_tc_hook hook = hook_of(index_, BPF_TC_INGRESS);
  const int result = bpf_tc_hook_create(&hook);
  if (result == 0) made_ = true;
  if (result == -ENODEV) return;
  errno = -result;
  if (result != -EEXIST) check(result, "make a clsact on " + interface);
  bpf_tc_opts options = ours();
  options.prog_fd = program;
  options.flags = BPF_TC_F_REPLACE;
  const int attached = bpf_tc_attach(&hook, &options);
  errno = -attached;
  check(attached, "put the program that guards live flows on " + interface);
}

void StackGuard::detach() noexcept {
  const Quiet quiet;
  find_predecessor();
  bpf_tc_hook hook = hook_of(index_, BPF_TC_INGRESS);
  const bpf_tc_opts options = ours();
  bpf_tc_detach(&hook, &options);  // refused when there is none, which is as good
  if (!made_ || has_filters(index_, TC_H_MIN_INGRESS) || has_filters(index_, TC_H_MIN_EGRESS)) return;
  bpf_tc_hook whole = hook_of(index_, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  bpf_tc_hook_destroy(&whole);
  made_ = false;
}

// A program of ours that is there before we put one there was left by a process that was killed, and so was its clsact.
void StackGuard::find_predecessor() noexcept {
  if (known_) return;
  known_ = true;
  const bpf_tc_hook hook = hook_of(index_, BPF_TC_INGRESS);
  bpf_tc_opts options = ours();
  made_ = bpf_tc_query(&hook, &options) == 0;
}

}  // namespace natlb
