#define BOOST_TEST_MODULE fd_passing
#include "system/fd_passing.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <sys/socket.h>

using namespace procx::detail;
using namespace processes;

namespace {

auto bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

int descriptors_open() {
  int n = 0;
  for (int fd = 0; fd < 256; ++fd) n += is_open(fd);
  return n;
}

struct sockets {
  std::pair<descriptor, descriptor> ends = make_socket_pair(SOCK_SEQPACKET);
  int from() const { return ends.first.get(); }
  int to() const { return ends.second.get(); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fd_passing, sockets)

BOOST_AUTO_TEST_CASE(a_packet_brings_its_bytes_and_its_descriptors) {
  own_pipe mine;
  std::array<int, 2> const both{mine.read.get(), mine.write.get()};
  BOOST_TEST(send_packet(from(), bytes_of("two ends"), both));
  std::array<std::byte, 64> room;
  std::vector<descriptor> got;
  auto const n = receive_packet(to(), room, got);
  BOOST_TEST(std::string(reinterpret_cast<char const*>(room.data()), static_cast<std::size_t>(n)) == "two ends");
  BOOST_REQUIRE(got.size() == 2u);
  for (descriptor const& d : got) BOOST_TEST((::fcntl(d.get(), F_GETFD) & FD_CLOEXEC) != 0);
  mine.write.close();
  BOOST_TEST(::write(got[1].get(), "hello", 5) == 5);
  got[1].close();
  BOOST_TEST(read_all(mine.read.get()) == "hello");
}

BOOST_AUTO_TEST_CASE(what_was_passed_is_procxs_own_and_not_inherited_by_created_processes) {
  own_pipe mine;
  std::array<int, 1> const one{mine.read.get()};
  BOOST_REQUIRE(send_packet(from(), bytes_of("x"), one));
  std::array<std::byte, 8> room;
  std::vector<descriptor> got;
  BOOST_REQUIRE(receive_packet(to(), room, got) == 1);
  auto const child = fork_process({}, [&] { return is_open(got[0].get()) ? 1 : 0; });
  BOOST_TEST(child->wait_until(std::nullopt)->code() == 0);
}

BOOST_AUTO_TEST_CASE(eight_descriptors_fit_and_nine_are_refused) {
  std::array<int, most_descriptors_passed + 1> many;
  many.fill(0);
  BOOST_TEST(send_packet(from(), bytes_of("x"), std::span(many).first(most_descriptors_passed)));
  BOOST_TEST(!send_packet(from(), bytes_of("x"), many));
  std::array<std::byte, 8> room;
  std::vector<descriptor> got;
  BOOST_TEST(receive_packet(to(), room, got) == 1);
  BOOST_TEST(got.size() == most_descriptors_passed);
  BOOST_TEST(receive_packet(to(), room, got) == -1);
  BOOST_TEST(errno == EAGAIN);
}

BOOST_AUTO_TEST_CASE(packets_stay_apart_and_the_end_is_zero) {
  BOOST_TEST(send_packet(from(), bytes_of("one"), {}));
  BOOST_TEST(send_packet(from(), bytes_of("three"), {}));
  ends.first.close();
  std::array<std::byte, 8> room;
  std::vector<descriptor> got;
  BOOST_TEST(receive_packet(to(), room, got) == 3);
  BOOST_TEST(receive_packet(to(), room, got) == 5);
  BOOST_TEST(receive_packet(to(), room, got) == 0);
  BOOST_TEST(!send_packet(to(), bytes_of("too late"), {}));
  BOOST_TEST(errno == EPIPE);
}

BOOST_AUTO_TEST_CASE(a_packet_that_is_too_long_is_a_failure_and_leaks_nothing) {
  own_pipe mine;
  std::array<int, 1> const one{mine.read.get()};
  int const before = descriptors_open();
  BOOST_TEST(send_packet(from(), bytes_of("longer than the room there is"), one));
  std::array<std::byte, 8> room;
  std::vector<descriptor> got;
  BOOST_TEST(receive_packet(to(), room, got) == -1);
  BOOST_TEST(got.empty());
  BOOST_TEST(descriptors_open() == before);
}

BOOST_AUTO_TEST_CASE(descriptors_that_do_not_all_fit_are_a_failure_and_leak_nothing) {
  BOOST_TEST(code_of_fork([&] {
    std::array<int, 4> const four{0, 0, 0, 0};
    CHILD_CHECK(send_packet(from(), bytes_of("x"), four));
    std::array<std::byte, 8> room;
    std::vector<descriptor> got;
    int next = ::dup(0);
    ::close(next);
    int const before = descriptors_open();
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(next) + 2;  // room for two
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHILD_CHECK(receive_packet(to(), room, got) == -1);
    CHILD_CHECK(errno == EMFILE);
    CHILD_CHECK(got.empty() && descriptors_open() == before);
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
