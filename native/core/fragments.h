// Virtual reassembly: which fragments belong to one datagram, so that those without ports follow the one that has them (RFC 4787 REQ-14).
// Nothing is put together; only what comes before the first fragment is kept, as a copy. All memory is there from the start, every step
// takes the same time however many there are, and who sends many makes room among his own before anybody else's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/counter.h"
#include "core/flow.h"
#include "core/hash.h"
#include "core/pieces.h"

namespace natlb {

class Fragments {
 public:
  static constexpr uint16_t kDatagrams = 2048, kSeats = 512;
  // What one source may have at a time: datagrams whose first fragment was there, and fragments that wait for theirs. One datagram of
  // 64 KiB in Ethernet frames is 45.
  static constexpr uint16_t kDatagramsOfSource = 128, kSeatsOfSource = 64;
  static constexpr uint32_t kSeatBytes = 9216;  // a jumbo frame; memory that nothing was ever copied to costs nothing
  // From the first piece, and once more from the first fragment: what RFC 791 3.2 recommends. The 60 s of RFC 1122 3.3.2 and RFC 8200 4.5
  // are for who reassembles; where less is lost by forgetting, an identification that comes round again does less harm sooner (RFC 4963).
  static constexpr uint32_t kPatienceTicks = 15 * kTicksPerSecond;

  explicit Fragments(const HashSecret& secret);

  // Takes note of a fragment. Pending: it goes on, with ports and protocol in its key. fragment_waiting: a copy waits. Else why it ends
  // here.
  [[nodiscard]] Verdict take(Packet& packet, uint32_t now) noexcept;
  // A first fragment that was scheduled for itself alone (one-packet scheduling) takes those that follow along: they find no flow
  // otherwise.
  void remember(const Packet& first) noexcept;
  void recall(Packet& later) noexcept;
  // Moves to `batch` copies whose first fragment has come since, in the order they came. Their frames last until the next call.
  void call(Batch& batch) noexcept;
  // Forgets datagrams that are whole: all pieces of the batch that finished them have found their way.
  void settle() noexcept {
    const Queue& done = all_[Stage::done];
    while (done.count > 0 && ready_.count == 0) end(records_[done.first], Verdict::pending);
  }
  // Forgets datagrams whose time is over, not more than `budget`.
  void expire(uint32_t now, uint32_t budget) noexcept;

  // How many copies ended so, having waited in vain. For any thread.
  [[nodiscard]] uint64_t ended(Verdict verdict) const noexcept { return ended_[static_cast<size_t>(verdict)].get(); }
  [[nodiscard]] size_t datagrams() const noexcept {
    return static_cast<size_t>(all_[Stage::waiting].count + all_[Stage::known].count + all_[Stage::done].count);
  }
  [[nodiscard]] size_t waiting() const noexcept { return seated_; }
  [[nodiscard]] bool calls() const noexcept { return ready_.first != kNobody || called_.first != kNobody; }

 private:
  static constexpr uint16_t kNobody = UINT16_MAX;
  static constexpr size_t kShares = 1024, kChains = 4096;

  enum class Stage : uint8_t { waiting, known, done };  // for its first fragment; that was there, or it is condemned; all were there

  // A queue of datagrams, the oldest first, linked through the member that goes with it.
  struct Links {
    uint16_t previous, next;
  };
  struct Queue {
    uint16_t first = kNobody, last = kNobody, count = 0;
  };
  // A chain of seats, in the order they were taken.
  struct Seats {
    uint16_t first = kNobody, last = kNobody, count = 0;
  };
  struct Datagram {
    Key key;  // with the ports of the first fragment, once it was there
    uint32_t id;
    uint8_t protocol;  // of the IP header for IPv4; 0 for IPv6, which has it in the first fragment alone (RFC 8200 4.5)
    Stage stage;
    Verdict fate;  // not pending: condemned, and every later piece with it
    uint32_t since;
    uint16_t share;
    uint16_t chain;
    uint16_t next_in_chain;  // or the free list
    Links by_age, by_share;
    Seats seats;
    Leg leg;    // none: the flow table has its flow
    Flow flow;  // of the first fragment alone
    Pieces pieces;
  };
  class Queues {
   public:
    Queue& operator[](Stage stage) noexcept { return of_[static_cast<size_t>(stage)]; }
    const Queue& operator[](Stage stage) const noexcept { return of_[static_cast<size_t>(stage)]; }

   private:
    std::array<Queue, 3> of_;
  };
  struct Share {
    Queues queues;
    uint16_t seats = 0;
  };
  struct Seat {
    Packet packet;
    uint16_t next;
  };

  [[nodiscard]] Datagram* followed(const Packet& packet) noexcept;
  [[nodiscard]] Datagram* find(const Packet& packet, uint16_t chain, uint32_t now) noexcept;
  Datagram& begin(const Packet& packet, uint16_t chain, uint32_t now) noexcept;
  [[nodiscard]] uint16_t chain_of(const Packet& packet) const noexcept;
  [[nodiscard]] uint16_t share_of(const Packet& packet) const noexcept;
  uint16_t take_record() noexcept;
  void meet_first(Datagram& datagram, const Packet& packet, uint32_t now) noexcept;
  void become_known(Datagram& datagram, uint32_t now) noexcept;
  void finish(Datagram& datagram) noexcept;
  void condemn(Datagram& datagram, Verdict fate, uint32_t now) noexcept;
  [[nodiscard]] Verdict seat(Datagram& datagram, const Packet& packet) noexcept;
  [[nodiscard]] bool make_seat(const Datagram& wanting) noexcept;
  void dismiss(Datagram& datagram, Verdict verdict) noexcept;
  void end(Datagram& datagram, Verdict verdict) noexcept;

  [[nodiscard]] uint16_t number_of(const Datagram& datagram) const noexcept { return static_cast<uint16_t>(&datagram - records_.get()); }
  void append(Queue& queue, Links Datagram::*links, Datagram& datagram) noexcept;
  void remove(Queue& queue, Links Datagram::*links, Datagram& datagram) noexcept;
  void enter(Datagram& datagram, Stage stage) noexcept;
  void leave(Datagram& datagram) noexcept;
  void splice(Seats& to, Seats& from) noexcept;

  HashSecret secret_;
  std::unique_ptr<Datagram[]> records_;
  std::unique_ptr<Seat[]> seats_;
  std::unique_ptr<uint8_t[]> frames_;
  std::array<uint16_t, kChains> chains_;
  std::array<Share, kShares> shares_;
  Queues all_;
  uint16_t fresh_records_ = 0, free_record_ = kNobody;  // records from fresh_records_ on were never touched
  Seats free_seats_, ready_, called_;
  uint16_t fresh_seats_ = 0;
  uint16_t seated_ = 0;
  std::array<Counter, kVerdicts> ended_;
};

}  // namespace natlb
