#include "daemon/call_frames.hpp"

#include "address/death_record.hpp"
#include "error/death_error.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>
#include <procx/wire/portable.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace procx::inline v1::detail {
namespace {

/// Flag of an `exception` frame: the payload is a `plain_failure`.
constexpr std::uint8_t is_plain = 8;
constexpr std::size_t least_limit = 512;  // bytes: a short description always fits

/// A failure without an exception of the function and without a dead process.
struct plain_failure {
  std::int32_t code = 0;  ///< errc
  std::string message = {};
};

template <class T>
void add_portable(buffer& out, T const& value) {
  portable_output_archive archive(out);
  save_to_make(archive, value);
}

template <class T>
void add_exception(buffer& out, std::uint64_t id, std::uint8_t flags, T const& payload) {
  frame_writer writer(out);
  writer.begin();
  add_portable(out, payload);
  writer.finish(frame_kind::exception, id, frame_header::max_length, flags);
}

void add_plain(buffer& out, std::uint64_t id, errc code, std::string message, std::size_t limit) {
  message.resize(std::min(message.size(), limit / 2));
  add_exception(out, id, is_plain, plain_failure{static_cast<std::int32_t>(code), std::move(message)});
}

void add_record(buffer& out, std::uint64_t id, exception_record const& record, std::size_t limit) {
  std::size_t const before = out.size();
  add_exception(out, id, 0, record);
  if (out.size() - before - frame_header::size <= limit) return;
  out.set_size(before);
  add_exception(out, id, 0, shortened(record, limit));
}

void add_certificate(buffer& out, std::uint64_t id, death_certificate const& c) {
  frame_writer writer(out);
  writer.begin();
  encode_death(out, c);
  writer.finish(frame_kind::exception, id, frame_header::max_length, tells_death);
}

std::exception_ptr error_in(plain_failure const& r) {
  switch (static_cast<errc>(r.code)) {
    case errc::task_cancelled: return std::make_exception_ptr(task_cancelled(r.message));
    case errc::task_timeout: return std::make_exception_ptr(task_timeout(r.message));
    case errc::connection_error: return std::make_exception_ptr(connection_error(r.message));
    case errc::unknown_task:
    case errc::signature_mismatch:
    case errc::value_too_large: return std::make_exception_ptr(protocol_error(r.message, static_cast<errc>(r.code)));
    default: return std::make_exception_ptr(protocol_error(r.message));
  }
}

}  // namespace

void add_control(buffer& out, control what, std::uint64_t id, std::span<std::byte const> payload) {
  frame_writer(out).add(frame_kind::message, id, payload, static_cast<std::uint8_t>(what));
}

void add_open(buffer& out, session_token const& token) { add_control(out, control::open, 0, token); }

void add_opened(buffer& out, session_terms const& terms) {
  buffer payload;
  add_portable(payload, terms);
  add_control(out, control::opened, 0, payload);
}

void add_call(buffer& out, std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) {
  std::byte* const at = out.extend(frame_header::size + call_head::size);
  frame_header{frame_kind::task, 0, call_head::size + arguments.size(), id}.write(at);
  store_little(at + frame_header::size, head.name);
  store_little(at + frame_header::size + sizeof head.name, head.fingerprint);
  out.append(arguments.data(), arguments.size());
}

session_token read_open(std::span<std::byte const> payload) {
  session_token token{};
  if (payload.size() < token.size()) throw protocol_error("a session cannot be opened with fewer than 16 bytes");
  std::ranges::copy(payload.first(token.size()), token.begin());
  return token;  // a newer version may say more
}

session_terms read_opened(std::span<std::byte const> payload) {
  portable_input_archive in(payload);
  return make<session_terms>(in);  // likewise
}

call_head read_call(std::span<std::byte const> payload, std::span<std::byte const>& arguments) {
  if (payload.size() < call_head::size) throw protocol_error("a call is cut off");
  call_head head;
  head.name = load_little<std::uint64_t>(payload.data());
  head.fingerprint = load_little<std::uint64_t>(payload.data() + sizeof head.name);
  arguments = payload.subspan(call_head::size);
  return head;
}

void add_failure(buffer& out, std::uint64_t id, std::exception_ptr const& error, std::size_t limit) {
  limit = std::max(limit, least_limit);
  try {
    std::rethrow_exception(error);
  } catch (remote_exception const& e) {
    add_record(out, id, e.record(), limit);
  } catch (task_error const& e) {
    if (e.certificate()) return add_certificate(out, id, *e.certificate());
    bool const is_late = dynamic_cast<task_timeout const*>(&e) != nullptr;
    add_plain(out, id, is_late ? errc::task_timeout : errc::task_cancelled, e.what(), limit);
  } catch (procx::error const& e) {
    bool const is_ours = e.code().category() == procx_category();
    add_plain(out, id, is_ours ? static_cast<errc>(e.code().value()) : errc::protocol_error, e.what(), limit);
  } catch (...) {
    add_record(out, id, describe_exception(error), limit);
  }
}

std::exception_ptr read_failure(frame const& f) {
  try {
    if (f.flags & tells_death) return detail::error_of(decode_death(f.payload));
    if (f.flags & is_plain) return error_in(decode_portable<plain_failure>(f.payload));
    return std::make_exception_ptr(remote_exception(decode_portable<exception_record>(f.payload)));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace procx::inline v1::detail
