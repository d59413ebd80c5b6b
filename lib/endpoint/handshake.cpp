#include "endpoint/handshake.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/version.hpp>
#include <procx/wire/codec.hpp>

#include <bit>
#include <utility>

#include <errno.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::uint32_t magic = 0x78637270;  // "prcx"
constexpr std::size_t most = 4096;           // bytes: nobody needs more to say who it is

std::string version_text() {
  return std::to_string(PROCX_VERSION / 10'000) + '.' + std::to_string(PROCX_VERSION / 100 % 100) + '.' +
         std::to_string(PROCX_VERSION % 100);
}

std::string named(greeting const& g) { return g.program.empty() ? "the other program" : '"' + g.program + '"'; }

}  // namespace

greeting greeting::own(std::uint64_t build, std::uint64_t frame_limit) {
  greeting g;
  g.little_endian = std::endian::native == std::endian::little;
  g.build = build;
  g.frame_limit = frame_limit;
  g.program = program_invocation_short_name;
  g.version = version_text();
  return g;
}

void greeting::write(buffer& out) const {
  portable_output_archive archive(out);
  archive << magic << protocol << oldest_protocol << word_size << little_endian << build << frame_limit << program << version;
}

greeting greeting::read(std::span<std::byte const> payload) {
  if (payload.size() > most) throw protocol_error("a greeting of " + std::to_string(payload.size()) + " bytes makes no sense");
  portable_input_archive in(payload);
  greeting g;
  std::uint32_t word = 0;
  in >> word >> g.protocol;
  if (word != magic) throw protocol_error("the other side does not greet as procx does");
  in >> g.oldest_protocol;
  if (g.oldest_protocol > protocol_version || g.protocol < protocol_version) return g;  // what follows may be anything
  in >> g.word_size >> g.little_endian >> g.build >> g.frame_limit >> g.program >> g.version;
  return g;  // a newer version may say more
}

handshake::handshake(greeting own, demand what, std::optional<clock::time_point> until)
    : own_(std::move(own)), demand_(what), until_(until) {}

void handshake::write(buffer& out) const {
  frame_writer writer(out);
  writer.begin();
  own_.write(out);
  writer.finish(frame_kind::hello, 0, frame_header::max_length);
}

handshake::state handshake::on_frame(frame const& f) {
  if (state_ != state::awaiting) return state_;
  if (f.kind != frame_kind::hello) return refuse("the other side sends without having greeted: it is no program of procx's");
  try {
    other_ = greeting::read(f.payload);
  } catch (protocol_error const& e) {
    return refuse(e.what());
  }
  if (auto why = difference(); !why.empty()) return refuse(std::move(why));
  return state_ = state::done;
}

/// In words, both sides'.
std::string handshake::difference() const {
  auto const versions = [](greeting const& g) { return std::to_string(g.oldest_protocol) + " to " + std::to_string(g.protocol); };
  if (other_.oldest_protocol > own_.protocol || other_.protocol < own_.oldest_protocol)
    return named(other_) + " speaks the versions " + versions(other_) + " of the protocol, this program " + versions(own_);
  if (demand_ == demand::protocol) return {};
  if (other_.word_size != own_.word_size || other_.little_endian != own_.little_endian) {
    auto const machine = [](greeting const& g) {
      return std::to_string(8 * g.word_size) + " bits, " + (g.little_endian ? "little" : "big") + " endian";
    };
    return named(other_) + " is built for another kind of machine (" + machine(other_) + ") than this program (" +
           machine(own_) + ')';
  }
  if (demand_ == demand::build && other_.build != own_.build)
    return named(other_) + " is another build than this program (\"" + own_.program + "\")";
  return {};
}

handshake::state handshake::on_time(clock::time_point now) noexcept {
  if (state_ == state::awaiting && until_ && now >= *until_) state_ = state::late;
  return state_;
}

handshake::state handshake::on_end() noexcept {
  if (state_ == state::awaiting) state_ = state::ended;
  return state_;
}

std::uint64_t handshake::frame_limit() const noexcept { return std::min(own_.frame_limit, other_.frame_limit); }

void handshake::check() const {
  switch (state_) {
    case state::awaiting:
    case state::done: return;
    case state::refused: throw protocol_error(why_);
    case state::late: throw connection_error("the other side has not greeted in time");
    case state::ended: throw connection_error("the other side has left without a greeting");
  }
}

handshake::state handshake::refuse(std::string why) noexcept {
  why_ = std::move(why);
  return state_ = state::refused;
}

}  // namespace procx::inline v1::detail
