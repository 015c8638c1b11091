// Power of two choices: of two destinations drawn by weight, the one with fewer flows for its weight (ip_vs_twos.c).
#include "core/schedulers/least.h"

namespace natlb {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): good from any seed, 0 included.
uint64_t draw(uint64_t& random) noexcept {
  uint64_t mixed = random += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return mixed ^ mixed >> 31;
}

uint64_t available_weight(const Choice& choice) noexcept {
  uint64_t sum = 0;
  for (const Destination& destination : choice.service.destinations) {
    if (choice.is_available(destination)) sum += destination.weight;
  }
  return sum;
}

}  // namespace

const Destination* pick_two_choices(const Choice& choice) noexcept {
  const uint64_t total = available_weight(choice);
  if (total == 0) return nullptr;
  // From 0 to the sum, both included, as IPVS draws: the first destination has one chance more.
  const uint64_t first_mark = draw(choice.state.random) % (total + 1), second_mark = draw(choice.state.random) % (total + 1);
  Candidate first, second;
  uint64_t reached = 0;
  for (const Destination& destination : choice.service.destinations) {
    if (!choice.is_available(destination)) continue;
    reached += destination.weight;
    const Candidate candidate{&destination, overhead(choice.loads[destination.slot])};
    if (first.destination == nullptr && reached >= first_mark) first = candidate;
    if (second.destination == nullptr && reached >= second_mark) second = candidate;
    if (first.destination != nullptr && second.destination != nullptr) break;
  }
  return second.is_better_than(first) ? second.destination : first.destination;
}

}  // namespace natlb
