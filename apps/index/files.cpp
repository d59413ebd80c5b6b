#include "files.hpp"

#include <cstdlib>
#include <memory>

#include <sys/stat.h>

namespace indexer {

std::string real_path(std::string const& path) {
  struct release {
    void operator()(char* text) const { std::free(text); }
  };
  std::unique_ptr<char, release> const real(::realpath(path.c_str(), nullptr));
  return real ? real.get() : std::string();
}

stamp stamp::of(struct stat const& status) {
  return {nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), status.st_size,
          static_cast<std::int64_t>(status.st_ino)};
}

char const* name(fate value) {
  switch (value) {
    case fate::indexed: return "indexed";
    case fate::binary: return "binary";
    case fate::unreadable: return "unreadable";
    case fate::too_large: return "too large";
    case fate::failed: return "failed";
    case fate::closed: return "closed directory";
    case fate::vanished: return "vanished";
  }
  return "unknown";
}

}  // namespace indexer
