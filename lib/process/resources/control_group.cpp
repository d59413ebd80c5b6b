#include "process/resources/control_group.hpp"

#include "system/generation.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds patience{1000};  // for processes that have been killed to be gone

/// Where groups of version 2 are mounted.
std::optional<std::string> mount_point() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, place, type;
    if (fields >> device >> place >> type && type == "cgroup2") return place;
  }
  return std::nullopt;
}

std::optional<std::string> own_group() {
  auto const held = hold_forks();  // no child is to have these files; they are read at once
  auto const root = mount_point();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; root && std::getline(groups, line);)
    if (line.starts_with("0::")) return *root + (line == "0::/" ? "" : line.substr(3));
  return std::nullopt;
}

bool write_to(std::string const& file, char text) {
  auto const held = hold_forks();
  int const fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool const ok = ::write(fd, &text, 1) == 1;
  ::close(fd);
  return ok;
}

}  // namespace

control_group::control_group(std::string path) : path_(std::move(path)), generation_(generation()) {}

std::shared_ptr<control_group const> control_group::make() {
  static std::atomic<unsigned> serial = 0;
  auto const parent = own_group();
  if (!parent) return nullptr;
  std::string path = *parent + "/procx-" + std::to_string(::getpid()) + '-' + std::to_string(++serial);
  if (::mkdir(path.c_str(), 0700) != 0) return nullptr;
  if (::access((path + "/cgroup.kill").c_str(), W_OK) == 0)  // since Linux 5.14
    return std::shared_ptr<control_group const>(new control_group(std::move(path)));
  ::rmdir(path.c_str());
  return nullptr;
}

control_group::~control_group() {
  if (generation_ == generation()) end_all();
}

bool control_group::enter(std::uint32_t worker) const {
  std::string const own = path_of(worker);
  return ::mkdir(own.c_str(), 0700) == 0 && write_to(own + "/cgroup.procs", '0');
}

void control_group::end(std::uint32_t worker) const noexcept {
  try {
    std::string const its = path_of(worker);
    write_to(its + "/cgroup.kill", '1');
    ::rmdir(its.c_str());
  } catch (...) {
    // No memory for a name: `end_all` sees to it.
  }
}

void control_group::end_all() const noexcept {
  try {
    write_to(path_ + "/cgroup.kill", '1');
    auto const until = std::chrono::steady_clock::now() + patience;
    for (;;) {
      std::error_code ignored;
      for (auto const& entry : fs::directory_iterator(path_, ignored))
        if (entry.is_directory(ignored)) ::rmdir(entry.path().c_str());
      if (::rmdir(path_.c_str()) == 0 || errno == ENOENT || std::chrono::steady_clock::now() > until) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  } catch (...) {
  }
}

}  // namespace procx::inline v1::detail
