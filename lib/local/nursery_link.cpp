#include "local/nursery_link.hpp"

#include "system/generation.hpp"

#include <csignal>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::seconds time_to_answer{1};  // before somebody looks why there is no answer
constexpr std::chrono::seconds time_to_leave{1};

}  // namespace

using stream = boost::asio::posix::stream_descriptor;

nursery_link::nursery_link(boost::asio::any_io_executor const& executor, std::shared_ptr<nursery> n, std::uint32_t knows,
                           guard guarded)
    : generation_(generation()),
      nursery_(std::move(n)),
      knows_(knows),
      guarded_(std::move(guarded)),
      control_(executor),
      pidfd_(executor),
      timer_(executor) {
  control_.assign(nursery_->control());
}

nursery_link::~nursery_link() { release(); }

bool nursery_link::foreign() const noexcept { return generation_ != generation(); }

void nursery_link::release() noexcept {
  nursery_->forget_orders();
  for (stream* s : {&control_, &pidfd_})
    if (s->is_open()) s->release();
  timer_.cancel();
}

void nursery_link::order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what,
                         nursery::told then) {
  if (!waits()) waits_since_ = std::chrono::steady_clock::now();
  nursery_->order(message, std::move(descriptors), what, std::move(then));
  watch();
  watch_time();
}

void nursery_link::when_heard(std::function<void()> then) {
  if (!waits()) waits_since_ = std::chrono::steady_clock::now();
  hearers_.push_back(std::move(then));
  watch();
  watch_time();
}

void nursery_link::watch() {
  if (!control_.is_open() || std::exchange(watched_, true)) return;
  control_.async_wait(stream::wait_read, [this, alive = weak_from_this()](boost::system::error_code error) {
    auto const self = alive.lock();
    if (!self || foreign()) return;
    watched_ = false;
    guarded_([&] {
      if (!error) on_news();
      if (waits()) return watch();
      if (!gone_ && std::exchange(timed_, false)) timer_.cancel();
    });
  });
}

void nursery_link::on_news() {
  waits_since_ = std::chrono::steady_clock::now();
  nursery_->hear();
  for (auto const& hearer : std::exchange(hearers_, {})) hearer();
}

/// What a nursery that is stopped is to say would be waited for in vain.
void nursery_link::watch_time() {
  if (gone_ || std::exchange(timed_, true)) return;
  timer_.expires_after(time_to_answer);
  timer_.async_wait([this, alive = weak_from_this()](boost::system::error_code error) {
    auto const self = alive.lock();
    if (!self || error || foreign()) return;
    timed_ = false;
    guarded_([&] { look_if_late(); });
  });
}

void nursery_link::look_if_late() {
  if (!waits()) return;
  if (nursery_->give_up_if_late(waits_since_))
    for (auto const& hearer : std::exchange(hearers_, {})) hearer();
  if (waits()) watch_time();
}

void nursery_link::rest() {
  if (waits()) return;
  if (control_.is_open()) control_.cancel();
}

void nursery_link::leave(std::function<void()> then) {
  gone_ = std::move(then);
  nursery_->forget_orders();
  nursery_->dismiss();
  if (nursery_->process().try_wait()) return std::exchange(gone_, nullptr)();
  pidfd_.assign(nursery_->process().pidfd());
  watch_process();
  timer_.cancel();
  timer_.expires_after(time_to_leave);
  timer_.async_wait([this, alive = weak_from_this()](boost::system::error_code error) {
    auto const self = alive.lock();
    if (self && !error && gone_ && !foreign()) nursery_->process().kill(SIGKILL);  // stopped, or starved
  });
}

void nursery_link::watch_process() {
  pidfd_.async_wait(stream::wait_read, [this, alive = weak_from_this()](boost::system::error_code error) {
    auto const self = alive.lock();
    if (self && !error && !foreign()) on_process();
  });
}

void nursery_link::on_process() {
  if (!nursery_->process().try_wait()) return watch_process();  // Asio may report what it has seen of an old descriptor
  timer_.cancel();
  if (gone_) std::exchange(gone_, nullptr)();
}

}  // namespace procx::inline v1::detail
