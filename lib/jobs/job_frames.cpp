#include "jobs/job_frames.hpp"

#include <procx/wire/portable.hpp>

namespace procx::inline v1::detail {

void add_stop(buffer& out, std::uint64_t id, stop_terms const& terms) {
  add_word(out, job_word::stop, id, encode_portable(terms));
}

stop_terms read_stop(std::span<std::byte const> payload) { return decode_portable<stop_terms>(payload); }

void add_state(buffer& out, std::uint64_t id, job_record const& r) {
  buffer bytes;
  append_record(bytes, r);
  add_word(out, job_word::state, id, bytes);
}

}  // namespace procx::inline v1::detail
