// A BPF hash map with a copy here of what it holds, so that publishing costs what has changed.
#pragma once

#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "io/owned.h"

namespace natlb {

// Keys and values as the BPF source has them, without padding of the compiler's.
template <typename Key, typename Value>
class KernelTable {
 public:
  using Entry = std::pair<Key, Value>;

  KernelTable(std::string name, int map) : name_{std::move(name)}, map_{map} {}

  // Brings in what is new or different; what is not wanted stays until drop_others.
  void add(std::vector<Entry> wanted) {
    std::sort(wanted.begin(), wanted.end(), before);
    wanted.erase(std::unique(wanted.begin(), wanted.end(), same_key), wanted.end());
    std::vector<Entry> changed;
    for (const Entry& entry : wanted) {
      if (!sure_ || !holds(entry)) changed.push_back(entry);
    }
    sure_ = false;
    std::vector<Entry> all;
    std::set_union(wanted.begin(), wanted.end(), held_.begin(), held_.end(), std::back_inserter(all), before);
    held_.swap(all);  // first: what a failure below leaves in the map must not be forgotten
    wanted_ = std::move(wanted);
    for (const auto& [key, value] : changed) check(bpf_map_update_elem(map_, &key, &value, BPF_ANY), "publish " + name_ + " to the kernel");
    sure_ = true;
  }

  void drop_others() {
    std::vector<Entry> others;
    std::set_difference(held_.begin(), held_.end(), wanted_.begin(), wanted_.end(), std::back_inserter(others), before);
    for (const auto& [key, value] : others) bpf_map_delete_elem(map_, &key);
    held_ = wanted_;
  }

 private:
  static bool before(const Entry& a, const Entry& b) noexcept { return std::memcmp(&a.first, &b.first, sizeof a.first) < 0; }
  static bool same_key(const Entry& a, const Entry& b) noexcept { return std::memcmp(&a.first, &b.first, sizeof a.first) == 0; }

  [[nodiscard]] bool holds(const Entry& entry) const noexcept {
    const auto at = std::lower_bound(held_.begin(), held_.end(), entry, before);
    return at != held_.end() && same_key(*at, entry) && std::memcmp(&at->second, &entry.second, sizeof entry.second) == 0;
  }

  std::string name_;
  int map_;
  std::vector<Entry> held_;    // sorted; at least what the kernel holds
  std::vector<Entry> wanted_;  // sorted
  bool sure_ = true;           // of all that is held the kernel holds it; not after a failure
};

}  // namespace natlb
