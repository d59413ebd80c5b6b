#pragma once

#include "traffic.hpp"

#include <cstdint>
#include <string>

namespace etl {

struct generate_options {
  traffic_options traffic;
  std::uint64_t lines = 1'000'000;
  std::string output = "-";
  std::string begin = "2026-03-28";  ///< a day, in UTC
  bool gzip = false;
};

/// Writes a made-up access log, the same one for the same options. Returns the exit code. Throws failure.
int generate(generate_options options);

}  // namespace etl
