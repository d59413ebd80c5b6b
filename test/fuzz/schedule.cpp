// A history of tasks and workers, compared with an obvious model. What differs is thrown, and ends the fuzzer.
#include "support/schedule_history.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  schedule_history({data, size}).run();
  return 0;
}
