#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

/// A file system of few bytes at a directory, for this process and those it makes: to be used in a forked child.
class small_disk {
 public:
  small_disk(std::filesystem::path const& at, std::size_t bytes) : at_(at) {
    // Whoever is not root may do so in a namespace of users.
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    is_there_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, size(bytes).c_str()) == 0;
  }
  small_disk(small_disk const&) = delete;
  small_disk& operator=(small_disk const&) = delete;

  bool is_there() const noexcept { return is_there_; }
  bool grow(std::size_t bytes) const { return ::mount(nullptr, at_.c_str(), nullptr, MS_REMOUNT, size(bytes).c_str()) == 0; }

 private:
  static std::string size(std::size_t bytes) { return "size=" + std::to_string(bytes); }

  std::filesystem::path const at_;
  bool is_there_ = false;
};
