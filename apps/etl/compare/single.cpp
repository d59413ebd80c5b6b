// procx-etl-single LOG DATABASE: what `procx-etl run` does, by the same functions, one after the other in one process.

#include "etl/chunk_reader.hpp"
#include "etl/inputs.hpp"
#include "etl/store.hpp"

#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  constexpr std::uint64_t chunk_size = std::uint64_t{4} << 20;
  etl::store database(argv[2], {});
  etl::inputs from({argv[1]}, database.files(), chunk_size, [](std::string const& line) { std::puts(line.c_str()); });
  database.set_inputs(from.files());
  etl::chunk_reader reader(etl::time_field::automatic, chunk_size);
  while (auto const next = from.next()) {
    database.add(reader.read(*next));
    database.commit_if_due();
  }
  database.commit();
  std::printf("%llu lines\n", static_cast<unsigned long long>(database.lines()));
} catch (std::exception const& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
