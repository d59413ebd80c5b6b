#include "daemon/registered_calls.hpp"

#include "dispatch/lane.hpp"

#include <procx/dispatch/registered_task.hpp>

#include <utility>

namespace procx::inline v1::detail {
namespace {

class registered_lane final : public call_lane {
 public:
  registered_lane(dispatcher& d, task_sink& calls) : lane_(d, calls) {}

  void begin(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) override {
    check_callable(head, arguments);
    try {
      lane_.begin_task(task_head::named(head.name, head.fingerprint)).save_binary(arguments.data(), arguments.size());
    } catch (...) {
      lane_.abandon_task();
      throw;
    }
    lane_.commit_task(id);
  }
  void cancel(std::uint64_t id, dispatcher::cancellation how) override { lane_.cancel(id, how); }
  std::size_t unfinished() const noexcept override { return lane_.unfinished(); }

 private:
  /// Throws protocol_error if there is no such function, or if it has another signature.
  void check_callable(call_head const& head, std::span<std::byte const> arguments) {
    if (head == known_) return;
    auto const* const task = registered_task::find(head.name);
    buffer nothing;
    input_archive in(arguments);
    output_archive result(nothing);
    if (!task) run_named(nullptr, in, result);
    if (task->fingerprint() != head.fingerprint) refuse_named(const_cast<registered_task*>(task), in, result);
    known_ = head;
  }

  call_head known_;  // the last head that was checked
  lane lane_;
};

}  // namespace

registered_calls::registered_calls(event_loop& loop, runner_settings const& s)
    : workers_(s.dispatch.workers), dispatcher_(loop, s.dispatch, callables_, s.source(loop, callables_)) {}

std::unique_ptr<call_lane> registered_calls::open_lane(task_sink& calls) {
  return std::make_unique<registered_lane>(dispatcher_, calls);
}

}  // namespace procx::inline v1::detail
