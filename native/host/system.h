// What control needs of the operating system and Node does not offer, apart from netlink.
#pragma once

#include <cstdint>
#include <string>

namespace natlb {

// A socket filter that passes IPv6 packets of these hop limits only; with 255 alone those that no router has forwarded (RFC 9568 5.1.2.3).
// Returns its descriptor, which is the caller's.
int load_hop_limit_filter(uint8_t lowest, uint8_t highest);

// Sends `text` to the service manager listening at `socket`; a name that begins with @ is an abstract one (sd_notify(3)).
void notify(const std::string& socket, const std::string& text);

// Takes the exclusive lock of an open file (flock(2)); false when another process holds it. It goes when that process does.
bool take_lock(int fd);

}  // namespace natlb
