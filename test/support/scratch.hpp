#pragma once

#include <filesystem>
#include <string>

#include <stdlib.h>

/// A directory for one test, which goes with it.
struct scratch_directory {
  scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "procx.XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  scratch_directory(scratch_directory const&) = delete;
  scratch_directory& operator=(scratch_directory const&) = delete;
  ~scratch_directory() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};
