#pragma once

#include "log_line.hpp"
#include "store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace etl {

struct run_options {
  std::vector<std::string> logs;
  std::string database;
  std::string report;  ///< the page; empty: none
  std::string title;
  int workers = 0;  ///< 0 = all cores
  time_field duration = time_field::automatic;
  std::uint64_t chunk_size = std::uint64_t{4} << 20;
  store::options storing;
  bool quiet = false;    ///< no progress
  bool explain = false;  ///< say what the pipeline's stages did
};

/// Adds logs to the database. Returns the exit code: `done`; `not_all` if a log could not be read to its end; 128 and the signal that
/// interrupted it. Throws failure, SQLite::Exception, procx::error; the database is then as at its last commit.
int run(run_options options);

}  // namespace etl
