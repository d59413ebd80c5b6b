#pragma once

#include "aside_file.hpp"
#include "chunk_reader.hpp"
#include "known_file.hpp"
#include "periods.hpp"
#include "sessions.hpp"
#include "top_table.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace etl {

/// The tables of the top lists.
top_table<1>::layout const& pages_layout();          ///< details: bytes
top_table<1>::layout const& error_paths_layout();    ///< server_errors
top_table<2, 1>::layout const& slow_paths_layout();  ///< requests, longest_us
top_table<0>::layout const& referrers_layout();
top_table<2, 1>::layout const& agents_layout();  ///< bytes, robot

/// Adds what chunks come to, in the order of the chunks, to the database.
///
/// What was added since the last commit, the places in the files that it came from, and the length of the file of lines that were set
/// aside go into one transaction. So whatever ends the program, the next run goes on behind what is there.
/// Members throw SQLite::Exception and failure; after that the object is of no use, and the database as at the last commit.
class store {
 public:
  struct options {
    std::chrono::milliseconds wait{30'000};      ///< for other programs that use the database
    std::chrono::milliseconds between_commits{2'000};
  };
  store(std::string const& path, options const& how);

  /// All files that were ever counted.
  std::vector<known_file> files();
  /// The files that `add` means by their numbers.
  void set_inputs(std::vector<known_file> files);
  known_file const& file(std::uint64_t input) const { return inputs_.at(input).file; }

  void add(chunk_result const& result);
  /// Commits if that is due: about a twentieth of the time goes to commits.
  void commit_if_due();
  void commit();
  /// Counted since this object was made, committed or not.
  std::uint64_t lines() const { return lines_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t commits() const { return commits_; }

 private:
  using clock = std::chrono::steady_clock;
  struct input_row {
    known_file file;
    bool changed = false;
  };
  struct status_counts {
    std::uint64_t requests = 0, bytes = 0;
  };
  struct flaw_counts {
    std::uint64_t lines = 0, line = 0;
    std::string file;  ///< where the first one is
  };

  void add_counts(digest const& counts);
  void add_flawed(known_file const& file, chunk_result const& result);
  void save();
  void save_statuses();
  void save_flaws();
  void save_inputs();

  SQLite::Database database_;
  options options_;
  aside_file aside_;
  periods minutes_, hours_;
  sessions sessions_;
  top_table<1> pages_, error_paths_;
  top_table<2, 1> slow_paths_;
  top_table<0> referrers_;
  top_table<2, 1> agents_;
  std::array<status_counts, 1000> statuses_{};
  std::array<flaw_counts, flaws> flaws_{};
  std::vector<input_row> inputs_;

  std::uint64_t lines_ = 0, requests_ = 0, commits_ = 0;
  bool changed_ = false;
  clock::time_point last_commit_ = clock::now();
  clock::duration commit_time_{0};
};

}  // namespace etl
