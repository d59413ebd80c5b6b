#include "progress.hpp"

#include "console.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace indexer {

void progress::walking(std::size_t files) {
  if (line_.due()) line_.draw(fmt::format("looking for files: {}", shown_count(static_cast<std::int64_t>(files))));
}

void progress::start(std::int64_t files, std::int64_t bytes, int workers) {
  all_files_ = files;
  all_bytes_ = bytes;
  workers_ = workers;
  started_ = clock::now();
}

void progress::add(std::int64_t files, std::int64_t bytes) {
  files_ += files;
  bytes_ += bytes;
  if (line_.due()) line_.draw(line());
}

std::string progress::line() const {
  // A file's share of the work is its weight, not its bytes: many small files take their time.
  auto const weight = [](std::int64_t files, std::int64_t bytes) { return static_cast<double>(bytes + files * 512); };
  double const share = std::clamp(weight(files_, bytes_) / std::max(1.0, weight(all_files_, all_bytes_)), 0.0, 1.0);
  std::chrono::duration<double> const elapsed = clock::now() - started_;
  double const rate = static_cast<double>(bytes_) / std::max(elapsed.count(), 1e-3);
  auto const left = share > 0 ? elapsed * (1 - share) / share : elapsed;
  std::string const text =
      fmt::format("{}/{} files  {}/s  {} left  {}/{} busy  {} of {}", shown_count(files_), shown_count(all_files_),
                  shown_bytes(static_cast<std::int64_t>(rate)), shown_time(left), busy_, workers_, shown_bytes(bytes_),
                  shown_bytes(all_bytes_));
  return line_.with_bar(share, text);
}

}  // namespace indexer
