#include "each.hpp"

#include "command.hpp"
#include "lines.hpp"

#include <procx/error/exit_status.hpp>
#include <procx/pool/pmap.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include <sys/wait.h>

namespace px = procx;

namespace {

px::exit_status status_of(command_result const& r) {
  if (WIFSIGNALED(r.wait_status)) return px::exit_status::of_signal(WTERMSIG(r.wait_status), WCOREDUMP(r.wait_status));
  return px::exit_status::of_code(WEXITSTATUS(r.wait_status));
}

/// What one line came to.
struct line_result {
  std::string line;
  std::string output;
  std::string failure;  ///< empty if the command succeeded

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & line & output & failure;
  }
};

}  // namespace

int each(each_options const& options) {
  auto const run = [&](std::string const& line) {
    auto result = run_command(with_argument(options.command, line));
    auto const status = status_of(result);
    if (!status.success() && options.retries > 0) throw std::runtime_error(status.to_string());
    return line_result{line, std::move(result.output), status.success() ? "" : status.to_string()};
  };
  std::ios::sync_with_stdio(false);
  auto results = px::pmap(run, lines(std::cin),
                          {.workers = options.workers,
                           .ordered = !options.as_they_come,
                           .retries = options.retries,
                           .task_timeout = options.timeout});
  bool all_well = true;
  for (auto const& o : results.outcomes()) {
    if (o) {
      std::fwrite(o->output.data(), 1, o->output.size(), stdout);
      if (std::fflush(stdout) != 0) return 2;
      if (o->failure.empty()) continue;
    }
    all_well = false;
    fmt::print(stderr, "procx: line {}: {}\n", o.index() + 1, o ? o->failure : o.what());
  }
  return all_well ? 0 : 1;
}
