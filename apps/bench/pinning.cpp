#include "pinning.hpp"

#include "measure.hpp"

#include <charconv>
#include <stdexcept>

#include <sched.h>

namespace bench {

pinning pinning::parse(std::string const& text) {
  pinning p;
  p.text_ = text;
  if (text == "none") return p;
  char const* at = text.data();
  char const* const end = at + text.size();
  for (;; ++at) {
    int number = 0;
    auto const [after, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0 || number >= CPU_SETSIZE || (after != end && *after != ','))
      throw std::invalid_argument("not a list of processors: " + text);
    p.processors_.push_back(number);
    at = after;
    if (at == end) return p;
  }
}

void pinning::apply() const {
  if (processors_.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int const number : processors_) CPU_SET(static_cast<std::size_t>(number), &set);
  check_call(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

}  // namespace bench
