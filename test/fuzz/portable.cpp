// Bytes as a value in the portable form.
#include "values.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  return check_input<procx::wire_form::portable>(data, size);
}
