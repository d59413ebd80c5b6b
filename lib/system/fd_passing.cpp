#include "system/fd_passing.hpp"

#include "system/generation.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <sys/socket.h>

namespace procx::inline v1::detail {
namespace {

constexpr int patience_with_shortages = 100;  // of memory in the system, of a millisecond each
constexpr std::size_t room = CMSG_SPACE(most_descriptors_passed * sizeof(int));

}  // namespace

bool send_packet(int socket, std::span<std::byte const> bytes, std::span<int const> descriptors) noexcept {
  if (descriptors.size() > most_descriptors_passed) {
    errno = EINVAL;
    return false;
  }
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, room> control{};
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  for (int shortages = 0;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    if ((errno != ENOBUFS && errno != ENOMEM) || ++shortages > patience_with_shortages) return false;
    timespec const a_moment{0, 1'000'000};
    ::nanosleep(&a_moment, nullptr);
  }
}

std::ptrdiff_t receive_packet(int socket, std::span<std::byte> into, std::vector<descriptor>& descriptors) {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) std::array<char, room> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();

  descriptors.reserve(descriptors.size() + most_descriptors_passed);
  auto held = hold_forks();  // descriptors come into being here
  ssize_t n = -1;
  do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0) return n;
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    std::size_t const count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
      descriptors.push_back(descriptor::take(fd, "descriptor passed"));
    }
  }
  held.unlock();
  if (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
    descriptors.clear();
    errno = EMFILE;
    return -1;
  }
  return n;
}

}  // namespace procx::inline v1::detail
