// The few facts about a network interface that opening a device needs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace natlb {

// Each throws std::system_error with the interface's name when there is no such interface.
uint32_t link_index(const std::string& interface);
uint32_t link_mtu(const std::string& interface);
std::array<uint8_t, 6> link_mac(const std::string& interface);
// How many receive queues the interface uses now; 1 when its driver does not say.
uint32_t link_queues(const std::string& interface);

// Does its driver take VLAN tags out of received frames?
bool link_hides_tags(const std::string& interface);

}  // namespace natlb
