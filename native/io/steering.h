// Tells the kernel which frames are ours: the programs of bpf/steer.bpf.c, their maps, and where they are attached.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/address.h"
#include "io/owned.h"

struct bpf_object;

namespace natlb {

struct SteeredEndpoint {
  Endpoint endpoint;
  uint8_t protocol;  // IPPROTO_TCP or IPPROTO_UDP
};

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
  // Without XDP only the packet filter is loaded, which any kernel with BPF can do.
  explicit Steering(bool with_xdp = true);
  ~Steering();

  // Puts the XDP program on an interface. `slot` numbers the interfaces from 0. It leaves the interface when this object or its process
  // ends, however that ends. Frames pass to the kernel until their queue has a socket.
  Attachment attach(uint32_t slot, const std::string& interface);
  // What arrives on this queue and is ours goes to this AF_XDP socket.
  void set_socket(uint32_t slot, uint32_t queue, int socket);

  // For SO_ATTACH_BPF on an AF_PACKET socket of type SOCK_RAW.
  [[nodiscard]] int packet_filter_fd() const noexcept { return packet_filter_; }

  // Makes the kernel's idea of what is ours equal to this. New entries are in place before old ones go. `locals` are the host's own
  // addresses.
  void publish(const std::vector<SteeredEndpoint>& services, const std::vector<SteeredEndpoint>& destinations,
               const std::vector<Address>& locals);

 private:
  // As struct endpoint and, with the tail zero, struct address of the BPF source.
  using Key = std::array<uint8_t, 20>;
  // A BPF map used as a set, with a copy here of what it holds, so that publishing costs what has changed.
  class Set {
   public:
    Set(const bpf_object* object, const char* name);
    void add(std::vector<Key> wanted);
    void drop_others();

   private:
    std::string name_;
    int map_;
    std::vector<Key> held_;    // sorted; at least what the kernel holds
    std::vector<Key> wanted_;  // sorted
    bool sure_ = true;         // of all that is held the kernel holds it; not after a failure
  };
  struct Closer {
    void operator()(bpf_object* object) const noexcept;
  };
  struct Attached {
    uint32_t slot;
    std::string interface;
    FileDescriptor link;
  };
  static std::unique_ptr<bpf_object, Closer> load(bool with_xdp);
  static Key key_of(const SteeredEndpoint& endpoint) noexcept;
  static Key key_of(const Address& address) noexcept;
  template <typename Entry, typename Convert>
  static std::vector<Key> keys_of(const std::vector<Entry>& entries, Convert&& convert);
  void describe(uint32_t slot, const std::string& interface);
  void refresh_interfaces() noexcept;
  [[nodiscard]] int map(const char* name) const noexcept;

  std::unique_ptr<bpf_object, Closer> object_;
  int packet_filter_;
  Set services_, destinations_, locals_, service_addresses_, destination_addresses_;
  std::vector<Attached> attached_;
};

}  // namespace natlb
