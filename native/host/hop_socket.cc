// The TTL of a packet and where it was sent to come as ancillary data of recvmsg: see ip(7), IP_RECVTTL and IP_PKTINFO, and ipv6(7).
#include "host/hop_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "host/watch.h"

namespace natlb {

namespace {

// Larger than any packet of a protocol that asks for a TTL of 255; what is longer is cut off, and nobody's.
constexpr size_t kLargestPacket = 512;

int check(int result, const char* doing) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), doing);
  return result;
}

struct Packet {
  uint8_t bytes[kLargestPacket];
  size_t length = 0;
  std::string source;
  std::string destination;
  int ttl = 0;
};

std::string address_text(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, text, sizeof text);
  return text;
}

std::string text_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return address_text(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  return address_text(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

bool is(const cmsghdr& header, int level, int type) { return header.cmsg_level == level && header.cmsg_type == type; }

void read_ancillary(const cmsghdr& header, Packet& packet) {
  const auto* data = CMSG_DATA(&header);
  if (is(header, IPPROTO_IP, IP_TTL) || is(header, IPPROTO_IPV6, IPV6_HOPLIMIT)) {
    std::memcpy(&packet.ttl, data, sizeof packet.ttl);
  } else if (is(header, IPPROTO_IP, IP_PKTINFO)) {
    in_pktinfo info;
    std::memcpy(&info, data, sizeof info);
    packet.destination = address_text(AF_INET, &info.ipi_addr);
  } else if (is(header, IPPROTO_IPV6, IPV6_PKTINFO)) {
    in6_pktinfo info;
    std::memcpy(&info, data, sizeof info);
    packet.destination = address_text(AF_INET6, &info.ipi6_addr);
  }
}

// A descriptor that is closed once.
class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void take(int fd) {
    close();
    fd_ = fd;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

void set_on(int fd, int level, int option, const char* doing) {
  const int on = 1;
  check(setsockopt(fd, level, option, &on, sizeof on), doing);
}

void open_on(Descriptor& socket, bool is_v4, uint16_t port) {
  const int family = is_v4 ? AF_INET : AF_INET6;
  socket.take(check(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "open a UDP socket"));
  const int fd = socket.get();
  sockaddr_storage address{};
  if (is_v4) {
    set_on(fd, IPPROTO_IP, IP_RECVTTL, "ask for the TTL of packets");
    set_on(fd, IPPROTO_IP, IP_PKTINFO, "ask for the destination of packets");
    reinterpret_cast<sockaddr_in&>(address) = {AF_INET, htons(port), {INADDR_ANY}, {}};
  } else {
    set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, "leave IPv4 to another socket");
    set_on(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, "ask for the hop limit of packets");
    set_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, "ask for the destination of packets");
    reinterpret_cast<sockaddr_in6&>(address) = {AF_INET6, htons(port), 0, IN6ADDR_ANY_INIT, 0};
  }
  const socklen_t length = is_v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  const std::string doing = "receive at UDP port " + std::to_string(port);
  check(bind(fd, reinterpret_cast<const sockaddr*>(&address), length), doing.c_str());
}

// False: none waits. What the network says of earlier packets is skipped as if none had come.
bool receive_from(int fd, Packet& packet) {
  sockaddr_storage source{};
  iovec part{packet.bytes, sizeof packet.bytes};
  alignas(cmsghdr) char ancillary[256];
  msghdr message{};
  message.msg_name = &source;
  message.msg_namelen = sizeof source;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  const ssize_t length = recvmsg(fd, &message, 0);
  if (length < 0) return false;
  packet.length = static_cast<size_t>(length);
  packet.source = text_of(source);
  for (const cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(each))) {
    read_ancillary(*each, packet);
  }
  return true;
}

// new HopSocket(family, port, onReadable)
class HopSocket : public Napi::ObjectWrap<HopSocket> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "HopSocket", {InstanceMethod<&HopSocket::receive>("receive"), InstanceMethod<&HopSocket::close>("close")});
  }

  explicit HopSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HopSocket>{info} {
    const bool is_v4 = info[0].As<Napi::Number>().Int32Value() == 4;
    const auto port = static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value());
    try {
      open_on(socket_, is_v4, port);
    } catch (const std::system_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
    watch_.start(info.Env(), socket_.get(), Value(), info[2].As<Napi::Function>());
  }

 private:
  Napi::Value receive(const Napi::CallbackInfo& info) {
    Packet packet;
    if (!watch_.runs() || !receive_from(socket_.get(), packet)) return info.Env().Undefined();
    Napi::Object object = Napi::Object::New(info.Env());
    object["bytes"] = Napi::Buffer<uint8_t>::Copy(info.Env(), packet.bytes, packet.length);
    object["source"] = packet.source;
    object["destination"] = packet.destination;
    object["ttl"] = packet.ttl;
    return object;
  }

  void close(const Napi::CallbackInfo&) {
    watch_.stop();
    socket_.close();
  }

  // Stops before what it watches is closed: members end in reverse order.
  Descriptor socket_;
  Watch watch_;
};

}  // namespace

void define_hop_socket(Napi::Env env, Napi::Object exports) { exports["HopSocket"] = HopSocket::define(env); }

}  // namespace natlb
