#include "address/death_record.hpp"

#include <procx/wire/portable.hpp>

#include <optional>
#include <string>
#include <vector>

namespace procx::inline v1::detail {
namespace {

enum class how : std::uint8_t { unknown, exited, killed, dumped };

struct death_record {
  std::int64_t pid = 0;
  how ended = how::unknown;
  int code_or_signal = 0;
  std::int64_t cpu_microseconds = 0;
  std::uint64_t peak_memory = 0;
  std::string stderr_tail;
  std::vector<code_location> crash;
  std::optional<std::uint64_t> fault_address;
  std::int64_t killed_by = 0;
  death_cause cause = death_cause::itself;
  std::uint32_t attempt = 0;
};

how how_ended(exit_status s) {
  if (!s.known()) return how::unknown;
  if (s.exited()) return how::exited;
  return s.core_dumped() ? how::dumped : how::killed;
}

exit_status status_of(death_record const& r) {
  switch (r.ended) {
    case how::exited: return exit_status::of_code(r.code_or_signal);
    case how::killed: return exit_status::of_signal(r.code_or_signal);
    case how::dumped: return exit_status::of_signal(r.code_or_signal, true);
    default: return {};
  }
}

}  // namespace

void encode_death(buffer& out, death_certificate const& c) {
  int const code = c.status.exited() ? c.status.code() : c.status.signal();
  portable_output_archive archive(out);
  save_to_make(archive, death_record{c.pid, how_ended(c.status), code, c.cpu_time.count(), c.peak_memory, c.stderr_tail, c.crash,
                                     c.fault_address, c.killed_by, c.cause, c.attempt});
}

death_certificate decode_death(std::span<std::byte const> bytes) {
  auto r = decode_portable<death_record>(bytes);
  if (r.cause > death_cause::out_of_memory) r.cause = death_cause::itself;  // of a newer version
  return {.pid = static_cast<pid_t>(r.pid),
          .status = status_of(r),
          .cause = r.cause,
          .attempt = r.attempt,
          .cpu_time = std::chrono::microseconds(r.cpu_microseconds),
          .peak_memory = static_cast<std::size_t>(r.peak_memory),
          .stderr_tail = std::move(r.stderr_tail),
          .crash = std::move(r.crash),
          .fault_address = r.fault_address,
          .killed_by = static_cast<pid_t>(r.killed_by)};
}

}  // namespace procx::inline v1::detail
