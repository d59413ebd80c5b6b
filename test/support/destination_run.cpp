// A pipeline that reads files into a destination, and is killed meanwhile: destination_run sqlite|postgres|lines WHERE FILE...
// Prints how many bytes were done before when it begins. Ends with 0 if all has been done, with 3 if some has failed.
#include <procx/pipeline/file_parts.hpp>
#include <procx/pipeline/lines_destination.hpp>
#include <procx/pipeline/postgres_destination.hpp>
#include <procx/pipeline/read_blocks.hpp>
#include <procx/pipeline/sqlite_destination.hpp>
#include <procx/procx.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

using row = std::tuple<std::uint64_t, std::string>;

px::batch<row> parse(px::text_block const& block) {
  std::this_thread::sleep_for(300us);  // so that there is a middle to be killed in
  px::batch<row> rows{block.from};
  for (px::text_line const& line : px::lines(block)) rows.rows.emplace_back(line.offset, line.text);
  return rows;
}

int run(px::destination<row>& to, std::vector<std::string> files) {
  std::uint64_t bytes = 0;
  px::done_parts const done = to.done();
  for (std::string const& source : done.sources("file:"))
    for (auto const& r : done.ranges(source)) bytes += r.end - r.begin;
  std::cout << bytes << std::endl;
  auto p = px::pipeline().add_origin(px::read_blocks, {.workers = 2}).add_task(parse).add_destination(std::ref(to), {.here = true});
  p.start();
  p.feed_chunk(px::file_parts(std::move(files), {.part_size = 1500, .done = done}));
  return p.join().failed == 0 ? 0 : 3;
}

}  // namespace

int main(int count, char** arguments) try {
  std::string const kind = arguments[1], where = arguments[2];
  std::vector<std::string> files(arguments + 3, arguments + count);
  px::commit_options const often{.rows = 100, .linger = 3ms};
  std::string const schema = "CREATE TABLE IF NOT EXISTS lines (place BIGINT, line TEXT)";
  if (kind == "sqlite") {
    px::sqlite_destination<row> to(where, "INSERT INTO lines VALUES (?, ?)", {.schema = schema, .commit = often});
    return run(to, std::move(files));
  }
  if (kind == "postgres") {
    px::postgres_destination<row> to(where, "lines", {"place", "line"}, {.schema = schema, .commit = often});
    return run(to, std::move(files));
  }
  px::lines_destination<row> to(where, [](row const& r) { return std::to_string(std::get<0>(r)) + ' ' + std::get<1>(r); }, {.commit = often});
  return run(to, std::move(files));
} catch (std::exception const& e) {
  std::cerr << e.what() << '\n';
  return 4;
}
