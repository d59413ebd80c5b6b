#include "system/memory_use.hpp"

#include "system/generation.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace procx::inline v1::detail {

std::optional<memory_use> memory_use_of(pid_t pid) {
  auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::array<char, 32> name;
  std::snprintf(name.data(), name.size(), "/proc/%d/statm", pid);
  std::array<char, 128> text{};
  ssize_t n = 0;
  {
    auto const held = hold_forks();  // no child is to have it; it is read at once
    int const fd = ::open(name.data(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    n = ::read(fd, text.data(), text.size() - 1);
    ::close(fd);
  }
  std::size_t mapped = 0, resident = 0, shared = 0;
  if (n <= 0 || std::sscanf(text.data(), "%zu %zu %zu", &mapped, &resident, &shared) != 3) return std::nullopt;
  return memory_use{mapped * page, (resident - std::min(shared, resident)) * page};
}

}  // namespace procx::inline v1::detail
