// The kernel's links, routes and neighbours, mirrored for the data plane, and the kernel asked to resolve what is missing. For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/routes.h"
#include "io/link_table.h"
#include "io/netlink.h"

namespace natlb {

class Mirror {
 public:
  // `interfaces` stand first in Routes, in this order, present or not; their VLANs and macvlans follow, then the host's others, whose
  // neighbours are not mirrored.
  explicit Mirror(std::vector<std::string> interfaces);

  // Readable when drain would find something.
  [[nodiscard]] int fd() const noexcept { return news_.fd(); }
  // Takes in the kernel's news without waiting; true when routes() would differ from before.
  bool drain();
  [[nodiscard]] std::unique_ptr<const Routes> routes() const;

  // Asks the kernel for the neighbour's MAC, at most once a second each.
  void resolve(uint32_t interface_position, const Address& neighbour);
  // The neighbours on the way to these addresses, and gateways, are resolved now and confirmed every few seconds by tick: the kernel does
  // not see that we use them, and would forget them.
  void watch(std::vector<Address> addresses);
  // To be called about once a second; true when routes() would differ from before.
  bool tick(uint64_t now_ms);

 private:
  struct Place {
    uint32_t index;  // of the link
    Address address;

    friend bool operator==(const Place&, const Place&) = default;
  };
  struct HashPlace {
    uint64_t seed;
    size_t operator()(const Place& place) const noexcept;
  };
  struct Known {
    MacAddress mac;
    uint16_t state;  // NUD_*
  };

  bool apply(const News& news);
  bool apply_neighbour(const NeighbourNews& news);
  void reload();
  bool reload_routes();
  void lay_out();
  void reload_neighbours();
  void lead();
  void ask(std::span<const Place> places);
  [[nodiscard]] bool stands_on_ours(uint32_t index) const noexcept;
  [[nodiscard]] bool is_mirrored(uint32_t index) const noexcept;
  [[nodiscard]] uint32_t position(uint32_t index) const noexcept;
  [[nodiscard]] std::vector<Interface> interfaces() const;
  [[nodiscard]] std::vector<Route> forwarding_routes() const;

  uint64_t seed_;
  std::vector<std::string> names_;
  NetlinkNews news_;
  Netlink netlink_;
  LinkTable links_;
  std::vector<uint32_t> order_;  // the links' indices as they stand in Routes; 0 = a name without a link
  size_t mirrored_ = 0;          // so many of them are ours
  bool unsure_ = false;          // taking in news failed half-way: what was heard then does not come again, so all must be listed anew
  bool links_stale_ = false;     // order_ and what follows from it
  std::vector<RouteNews> kernel_routes_;
  bool routes_stale_ = false;
  std::vector<Route> forwarding_;  // kernel_routes_ as Routes wants them
  std::unordered_map<Place, Known, HashPlace> neighbours_;

  std::vector<Address> watched_;
  std::vector<Place> watched_places_;           // the neighbours on the way there
  std::unordered_set<Place, HashPlace> asked_;  // since asked_since_ms_
  uint64_t asked_since_ms_ = 0;
  uint64_t confirmed_at_ms_ = 0;
};

}  // namespace natlb
