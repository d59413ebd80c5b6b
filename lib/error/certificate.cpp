#include <procx/error/certificate.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <string_view>

namespace procx::inline v1 {
namespace {

/// The text, with so many spaces before each of its lines.
std::string indented(std::string_view text, std::size_t spaces) {
  std::string out;
  while (!text.empty()) {
    std::string_view const line = text.substr(0, text.find('\n'));
    out.append(spaces, ' ').append(line) += '\n';
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

char const* phrase(death_cause cause) {
  switch (cause) {
    case death_cause::itself: return nullptr;
    case death_cause::timeout: return "its task took too long";
    case death_cause::cancellation: return "its task was cancelled";
    case death_cause::memory_limit: return "it used more memory than its tasks may";
    case death_cause::out_of_memory: return "the system ran out of memory";
  }
  return nullptr;
}

std::string used(death_certificate const& c) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << std::chrono::duration<double>(c.cpu_time).count() << " s of CPU, "
      << std::setprecision(1) << static_cast<double>(c.peak_memory) / (1 << 20) << " MiB at most";
  return out.str();
}

}  // namespace

std::string to_string(death_certificate const& c) {
  std::ostringstream out;
  out << "process " << c.pid << ' ' << c.status << '\n';
  if (c.task) {
    out << "  task:    " << *c.task;
    if (c.attempt > 1) out << ", attempt " << c.attempt;
    out << '\n';
  }
  if (char const* const why = phrase(c.cause)) out << "  because: " << why << '\n';
  if (c.killed_by) out << "  signal:  sent by process " << c.killed_by << '\n';
  if (c.fault_address) out << "  touched: address 0x" << std::hex << *c.fault_address << std::dec << '\n';
  if (c.peak_memory) out << "  used:    " << used(c) << '\n';
  if (!c.crash.empty()) out << "  crashed in:\n" << indented(to_string(c.crash), 4);
  if (!c.stderr_tail.empty()) out << "  last words:\n" << indented(c.stderr_tail, 4);
  return out.str();
}

}  // namespace procx::inline v1
