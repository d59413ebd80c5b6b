#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace procx::inline v1::detail {

/// A look at how things are every 10 ms, for as long as somebody asks for the next one. Not thread-safe.
class ticker {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds period{10};

  explicit ticker(boost::asio::any_io_executor const& executor) : timer_(executor) {}

  /// Whether there will be a look.
  bool armed() const noexcept { return armed_; }
  /// Calls `look(now, absence)` a period from now, once, if the owner is still there; does nothing if it is armed. The
  /// absence is how late that comes, if it is so late that this program was stopped meanwhile, or its thread elsewhere: what
  /// is looked at may have waited for it. Else 0.
  template <class Owner, class Look>
  void arm(std::weak_ptr<Owner> owner, Look look) {
    if (armed_) return;
    due_ = clock::now() + period;
    timer_.expires_at(due_);
    timer_.async_wait([this, owner = std::move(owner), look = std::move(look)](boost::system::error_code) {
      auto const alive = owner.lock();
      if (!alive) return;
      armed_ = false;
      auto const now = clock::now();
      auto const late = now - due_;
      look(now, late > in_time ? late : clock::duration::zero());
    });
    armed_ = true;  // behind what may throw
  }

 private:
  static constexpr std::chrono::milliseconds in_time{50};

  boost::asio::steady_timer timer_;
  clock::time_point due_{};
  bool armed_ = false;
};

}  // namespace procx::inline v1::detail
