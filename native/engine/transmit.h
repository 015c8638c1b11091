// transmit: the last stage, where packets meet devices again.
#pragma once

#include <span>

#include "core/packet.h"
#include "engine/spare_frames.h"
#include "io/device.h"

namespace natlb {

// Hands each packet that leaves to its device_out, in pieces where route found it too large. A device that cannot take it changes the
// verdict.
void transmit(Batch& batch, std::span<Device* const> devices, SpareFrames& spares) noexcept;

}  // namespace natlb
