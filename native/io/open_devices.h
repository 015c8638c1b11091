// Chooses the back end and opens a device for each queue of each interface.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/device.h"
#include "io/steering.h"

namespace natlb {

struct Opened {
  std::string backend;  // af_xdp or af_packet
  std::string reason;   // for the operator: why this one, and how it runs
  // Before the steering goes, so must these: the last member is destroyed first.
  std::unique_ptr<Steering> steering;
  std::vector<std::unique_ptr<Device>> devices;  // all for one worker: AF_XDP devices share memory
};

// `backend` is auto, af_xdp or af_packet. Auto means AF_XDP when every interface takes it in its driver, else AF_PACKET. Throws
// std::system_error naming the interface that is missing or refuses. A VLAN's frames come and go by the device of the interface below it,
// with their tags.
Opened open_devices(const std::vector<std::string>& interfaces, const std::string& backend);

}  // namespace natlb
