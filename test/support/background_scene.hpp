// A folder for the sockets of background processes, in which nothing may be left at the end.
#pragma once

#include "support/observe.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace background_scene {

struct scene : observe::leaves_nothing {
  std::filesystem::path const folder =
      std::filesystem::temp_directory_path() / ("px-background." + std::to_string(::getpid()));
  std::filesystem::path const address = folder / "job.sock";

  scene() { std::filesystem::create_directory(folder); }
  ~scene() { std::filesystem::remove_all(folder); }

  void teardown() const {
    leaves_nothing::teardown();
    for (auto const& left : std::filesystem::directory_iterator(folder)) BOOST_TEST(false, left.path() << " is left");
  }
  std::filesystem::path file(char const* suffix) const { return address.string() + suffix; }
  /// What a client of another user is told, although the socket was opened for all by mistake. Only for root.
  std::string heard_by_another_user() const;
};

inline std::string text_of(std::filesystem::path const& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A client that knows nothing of procx.
inline processes::own_fd connected(std::filesystem::path const& address) {
  processes::own_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::strncpy(a.sun_path, address.c_str(), sizeof a.sun_path - 1);
  BOOST_REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0);
  return socket;
}

inline std::string scene::heard_by_another_user() const {
  ::chmod(address.c_str(), 0666);
  ::chmod(folder.c_str(), 0755);
  processes::own_pipe heard;
  int const code = processes::code_of_fork([&] {
    if (::setuid(65534) != 0) return 3;
    std::string const said = processes::read_all(connected(address).get());
    return ::write(heard.write.get(), said.data(), said.size()) < 0 ? 4 : 0;
  });
  BOOST_TEST(code == 0);
  heard.write.close();
  return processes::read_all(heard.read.get());
}

}  // namespace background_scene
