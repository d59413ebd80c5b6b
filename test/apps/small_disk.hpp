#pragma once

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

#include <sys/mount.h>

/// A file system of its own, in memory. Only root can have one.
class small_disk {
 public:
  small_disk(std::filesystem::path const& place, std::string const& size) : place_(place) {
    std::filesystem::create_directory(place_);
    mounted_ = ::mount("none", place_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    if (!mounted_) BOOST_TEST_MESSAGE("skipped: no file system can be mounted here");
  }
  ~small_disk() {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }
  void remount(unsigned long flags, std::string const& options) {
    BOOST_TEST(::mount("none", place_.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0);
  }

 private:
  std::filesystem::path place_;
  bool mounted_;
};
