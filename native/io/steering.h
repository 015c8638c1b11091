// Tells the kernel which frames are ours: the programs of bpf/steer.bpf.c, their maps, and where they are attached.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/live_filter.h"
#include "io/kernel_table.h"
#include "io/owned.h"
#include "io/stack_guard.h"
#include "io/steered.h"

struct bpf_object;

namespace natlb {

enum class XdpMode : uint8_t {
  native,   // in the driver
  generic,  // after the driver, on an skb: works everywhere, but super-packets do not fit
};

struct Attachment {
  XdpMode mode;
  std::string why;  // why not native, for the operator; empty when native
};

class Steering {
 public:
  // Without XDP only the packet filter and the guard are loaded, which any kernel with BPF can do.
  explicit Steering(bool with_xdp = true);
  // The guard of live flows goes, too: it stays only behind a process that was killed.
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  // An interface that has a device, for the guard. `attach` does this too.
  void watch(const std::string& interface);
  // Puts the XDP program on an interface. `slot` numbers the interfaces from 0. It leaves the interface when this object or its process
  // ends, however that ends. Frames pass to the kernel until their queue has a socket.
  Attachment attach(uint32_t slot, const std::string& interface);
  // What arrives on this queue and is ours goes to this AF_XDP socket.
  void set_socket(uint32_t slot, uint32_t queue, int socket);

  // For SO_ATTACH_BPF on an AF_PACKET socket of type SOCK_RAW.
  [[nodiscard]] int packet_filter_fd() const noexcept { return packet_filter_; }

  // What the worker counts its flows in, and the programs look into; it lasts as long as this object.
  [[nodiscard]] LiveFilter live_flows() const noexcept { return LiveFilter{live_memory_.data(), live_secret_}; }

  // Makes the kernel's idea of what is ours equal to this. New entries are in place before old ones go. Throws without having changed
  // anything when there are too many port ranges on one address.
  void publish(const Steered& steered);

 private:
  // As struct address, endpoint, ranges, interface_key, interface, mac and settings of the BPF source.
  using AddressKey = std::array<uint64_t, 2>;
  struct EndpointKey {
    AddressKey address;
    uint16_t port;
    uint8_t protocol;
    uint8_t zero[5];
  };
  struct RangesValue {
    uint32_t count;
    uint16_t ports[2 * kSteeredRanges];
  };
  struct InterfaceKey {
    uint32_t index, outer, inner;
  };
  struct InterfaceValue {
    uint32_t slot;
    MacAddress mac;
    uint8_t zero[2];
  };
  struct MacKey {
    MacAddress mac;
    uint8_t zero[2];
  };
  struct Settings {
    uint64_t live_secret;
    uint8_t asks_live_flows;
    uint8_t zero[7];
  };
  using Present = uint8_t;
  struct Closer {
    void operator()(bpf_object* object) const noexcept;
  };
  struct Watched {
    std::string name;
    uint32_t index;
    StackGuard guard;
  };
  static std::unique_ptr<bpf_object, Closer> load(bool with_xdp);
  static AddressKey key_of(const Address& address) noexcept;
  static EndpointKey key_of(const Endpoint& endpoint, uint8_t protocol) noexcept;
  static std::vector<std::pair<EndpointKey, RangesValue>> values_of(const PortRanges& ranges);
  [[nodiscard]] std::vector<std::pair<InterfaceKey, InterfaceValue>> interfaces_of(const std::vector<SteeredInterface>& interfaces) const;
  static std::vector<std::pair<MacKey, Present>> macs_of(const std::vector<SteeredInterface>& interfaces);
  void publish_addresses(const Steered& steered);
  void publish_settings(bool asks_live_flows);
  void guard(bool asks_live_flows);
  [[nodiscard]] int map(const char* name) const noexcept;
  [[nodiscard]] int program(const char* name) const noexcept;
  template <typename Table>
  [[nodiscard]] Table table(const char* name) const;

  std::unique_ptr<bpf_object, Closer> object_;
  int packet_filter_;
  uint64_t live_secret_;
  Mapping live_memory_;
  KernelTable<EndpointKey, Present> services_, destinations_;
  KernelTable<EndpointKey, RangesValue> service_ranges_;
  KernelTable<AddressKey, Present> locals_, service_addresses_, destination_addresses_;
  KernelTable<InterfaceKey, InterfaceValue> interfaces_;
  KernelTable<MacKey, Present> virtual_macs_;
  std::vector<Watched> watched_;  // by slot
  std::vector<FileDescriptor> attached_;
  std::optional<bool> guarded_;
};

}  // namespace natlb
