#pragma once

#include "jobs/job_record.hpp"

#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/frame.hpp>

#include <cstdint>
#include <span>

// What a supervisor and its clients say to each other, after they have greeted: docs/jobs.md.
namespace procx::inline v1::detail {

/// What a `message` frame says: in the flags of its header. Its id is the parameter.
enum class job_word : std::uint8_t {
  status = 1,   ///< client: send a `state` now. id: any number, which the answer has too
  wait = 2,     ///< client: send a `state` when the command has ended
  follow = 3,   ///< client: send an `output` when there are more bytes of output than id
  input = 4,    ///< client: for the command, at most `most_input` bytes that were not acknowledged
  window = 5,   ///< client: the size of its terminal. id: rows · 65536 + columns
  stop = 6,     ///< client: end the job, and send a `state` when that is done. Payload: `stop_terms`
  state = 16,   ///< supervisor: a `job_record`
  output = 17,  ///< supervisor: the file ADDRESS.log has id bytes
};
// Beside them, from a client: `end`, there is no more input. From the supervisor: `acknowledge`, so many bytes of input (id) were
// taken since the beginning.

inline constexpr std::uint64_t most_input = 256 * 1024;

struct stop_terms {
  std::uint64_t grace = 0;  ///< milliseconds
  std::int32_t signal = 0;
  bool drain = false;
};

inline void add_word(buffer& out, job_word what, std::uint64_t id = 0, std::span<std::byte const> payload = {}) {
  frame_writer(out).add(frame_kind::message, id, payload, static_cast<std::uint8_t>(what));
}
void add_stop(buffer& out, std::uint64_t id, stop_terms const& terms);
/// Throws protocol_error.
stop_terms read_stop(std::span<std::byte const> payload);
void add_state(buffer& out, std::uint64_t id, job_record const& r);

}  // namespace procx::inline v1::detail
