// A history of tasks, owners and workers, compared with an obvious model. What differs is thrown, and ends the fuzzer.
#include "support/dispatcher_history.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  dispatcher_history({data, size}).run();
  return 0;
}
