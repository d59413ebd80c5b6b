#include <procx/detail/background/collector.hpp>

#include "address/address.hpp"
#include "address/death_record.hpp"
#include "channel/handover.hpp"
#include "endpoint/endpoint.hpp"
#include "endpoint/handshake.hpp"
#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {
namespace {

// Time limit for the greeting of the process. Generous: the machine may be overloaded.
constexpr std::chrono::seconds patience{20};

/// The connection to one background process.
class source {
 public:
  explicit source(std::filesystem::path const& path)
      : path_(std::filesystem::absolute(path)),
        wire_(address(path).connect(), default_frame_limit),
        hands_(greeting::own(image_fingerprint(), default_frame_limit), handshake::demand::machine, greets_until_) {
    hands_.write(wire_.out());
    wire_.flush();
  }

  std::filesystem::path const& path() const noexcept { return path_; }
  bool over() const noexcept { return over_; }
  deadline until() const {
    return hands_.now() == handshake::state::awaiting ? deadline(greets_until_) : std::nullopt;
  }
  int fd() const noexcept { return over_ ? -1 : wire_.in_fd(); }
  /// `next` reports read errors.
  void fill() noexcept try { wire_.fill(); } catch (...) { broken_ = std::current_exception(); }

  /// The next result that has arrived. Throws if no more results can come.
  std::optional<frame> next() {
    while (auto const f = wire_.next()) {
      if (hands_.now() == handshake::state::awaiting) {
        hands_.on_frame(*f);
        check_greeting();
      } else if (f->kind == frame_kind::end) {
        close();
        return std::nullopt;
      } else if (f->kind == frame_kind::value || f->kind == frame_kind::exception) {
        return f;
      } else {
        throw protocol_error("a frame came from " + path_.string() + " that has no meaning there");
      }
    }
    if (broken_) std::rethrow_exception(broken_);
    if (wire_.ended()) {
      hands_.on_end();
      check_greeting();
      throw connection_error("the background process at " + path_.string() + " has ended before all was taken");
    }
    hands_.on_time(std::chrono::steady_clock::now());
    check_greeting();
    return std::nullopt;
  }

  /// Returns when the kernel has the acknowledgement: it counts even if this process is killed next.
  void acknowledge(std::uint64_t id) {
    if (over_) return;
    frame_writer(wire_.out()).add(frame_kind::acknowledge, id);
    while (!wire_.flush()) {
      pollfd room{wire_.out_fd(), POLLOUT, 0};
      poll_until(std::span(&room, 1), std::nullopt);
    }
  }

  void close() noexcept {
    over_ = true;
    wire_.close();
  }

 private:
  void check_greeting() const {
    try {
      hands_.check();
    } catch (connection_error const& e) {
      throw connection_error(path_.string() + ": " + e.what());
    }
  }

  std::filesystem::path path_;
  endpoint wire_;
  std::chrono::steady_clock::time_point greets_until_ = std::chrono::steady_clock::now() + patience;
  handshake hands_;
  std::exception_ptr broken_;
  bool over_ = false;
};

std::exception_ptr failure_in(frame const& f) {
  try {
    if (f.flags & tells_death) return std::make_exception_ptr(process_died(decode_death(f.payload)));
    return std::make_exception_ptr(remote_exception(decode<exception_record>(f.payload)));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

struct collector::state {
  void check_owner() const {
    if (made_in != generation())
      throw error(errc::foreign_process, "the connection belongs to another process: this one has inherited it by a fork");
  }

  void acknowledge() {
    if (auto const given_from = std::exchange(given, nullptr)) given_from->acknowledge(given_id);
  }

  /// A result that has arrived, from each address in turn.
  std::optional<arrived> take() {
    for (std::size_t n = 0; n < sources.size(); ++n) {
      std::size_t const i = turn = (turn + 1) % sources.size();
      source& s = *sources[i];
      if (s.over()) continue;
      try {
        if (auto const f = s.next()) {
          given = &s;
          given_id = f->id;
          bool const failed = f->kind == frame_kind::exception;
          return arrived{i, f->id - 1, f->payload, failed ? failure_in(*f) : nullptr};
        }
      } catch (...) {
        s.close();
        return arrived{i, 0, {}, std::current_exception()};
      }
    }
    return std::nullopt;
  }

  void wait() {
    deadline until;
    std::vector<pollfd> fds;
    for (auto const& s : sources) {
      fds.push_back({s->fd(), POLLIN, 0});
      if (auto const u = s->over() ? std::nullopt : s->until()) until = until ? std::min(*until, *u) : u;
    }
    poll_until(fds, until);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents) sources[i]->fill();
  }

  bool all_over() const {
    return std::ranges::all_of(sources, [](auto const& s) { return s->over(); });
  }

  unsigned made_in = generation();
  std::vector<std::unique_ptr<source>> sources = {};
  std::size_t turn = 0;
  source* given = nullptr;  // source of the result that is to be acknowledged next
  std::uint64_t given_id = 0;
};

collector::collector() : state_(std::make_unique<state>()) {}
collector::collector(collector&&) noexcept = default;
collector& collector::operator=(collector&&) noexcept = default;
collector::~collector() = default;

void collector::connect(std::filesystem::path const& address) {
  state_->check_owner();
  state_->sources.push_back(std::make_unique<source>(address));
}

std::filesystem::path const& collector::address(std::size_t source) const { return state_->sources.at(source)->path(); }

std::optional<collector::arrived> collector::next() {
  state_->check_owner();
  state_->acknowledge();
  for (;;) {
    if (auto a = state_->take()) return a;
    if (state_->all_over()) return std::nullopt;
    state_->wait();
  }
}

}  // namespace procx::inline v1::detail
