#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace bench {

/// A Redis server of the bench's own, without a file, at a UNIX socket in a new folder. Throws `unavailable` if there is no Redis.
class redis_server {
 public:
  redis_server();
  redis_server(redis_server const&) = delete;
  redis_server& operator=(redis_server const&) = delete;
  ~redis_server();

  std::string const& socket() const noexcept { return socket_; }

 private:
  std::string folder_;
  std::string socket_;
  pid_t pid_ = 0;
};

/// A connection to it, in the protocol of Redis.
class redis_client {
 public:
  explicit redis_client(std::string const& socket);
  redis_client(redis_client const&) = delete;
  redis_client& operator=(redis_client const&) = delete;
  ~redis_client();

  void send(std::string_view commands);
  /// The next line, without its end.
  std::string line();
  /// The next reply to a pop from a list that waits: the element.
  std::string popped();

 private:
  int socket_;
  std::string arrived_;
  std::size_t taken_ = 0;
};

}  // namespace bench
