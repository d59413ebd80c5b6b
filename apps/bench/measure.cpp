#include "measure.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bench {

double quantile(std::vector<double> values, double q) {
  auto const at = std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

measured of_times(std::vector<double> const& times) { return {quantile(times, 0.5), quantile(times, 0.99)}; }

void check(bool right, char const* what) {
  if (!right) throw std::runtime_error(what);
}

long check_call(long returned, char const* name) {
  if (returned < 0) throw std::system_error(errno, std::generic_category(), name);
  return returned;
}

}  // namespace bench
