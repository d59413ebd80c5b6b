#pragma once

#include "dispatch/worker.hpp"
#include "local/board.hpp"
#include "local/local_options.hpp"
#include "local/nursery_link.hpp"
#include "memory/slab_arena.hpp"
#include "process/output_relay.hpp"
#include "process/resources/control_group.hpp"
#include "process/resources/oom_watch.hpp"
#include "system/event_loop.hpp"

#include <procx/detail/dispatch/callable_table.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace procx::inline v1::detail {

/// What a nursery is told of a new worker.
struct worker_order {
  std::uint32_t number;  ///< its slot on the board
  std::uint32_t slab_owner;
};

/// Workers that are processes of this program. They come from a nursery that is forked when the first one is needed or
/// `prepare` is called, and again when it has died or callables were added. Orders are answered when the process runs: at once
/// on a loop that is private, else in a handler.
class local_workers final : public worker_source {
 public:
  local_workers(worker_events& events, event_loop& loop, local_options const& options,
                std::shared_ptr<callable_table> callables);
  ~local_workers() override;

  void prepare() override;
  void order(task_head const* first) override;
  void rest() override;
  void shut(std::function<void()> then) override;
  void shut_now() noexcept override;

 private:
  friend class local_worker;

  /// A worker that is on its way: this side of its pipes.
  struct expected_worker {
    worker_order order;
    std::shared_ptr<nursery_link> from;
    descriptor tasks;
    descriptor results;
  };

  void send_order(task_head const* first);
  void place_order(std::shared_ptr<expected_worker> const& expected, std::vector<descriptor> given);
  void on_answer(expected_worker& expected, std::unique_ptr<process_state> process, std::exception_ptr why);
  std::shared_ptr<nursery> make_nursery();
  void replace_nursery();
  /// The worker's number may be used again, and its nursery is not needed for it any more.
  void release(worker_order const& order, nursery_link& from) noexcept;
  void dismiss(std::shared_ptr<nursery_link> const& n);
  void dismiss_unused();
  void tell_gone();

  worker_events& events_;
  event_loop& loop_;
  local_options const options_;
  std::shared_ptr<callable_table> const callables_;
  std::shared_ptr<board> const board_;
  std::shared_ptr<control_group const> group_;  // of the workers; null: none is wanted, or may be
  slab_arena* const arena_;                     // null: no shared memory
  output_mark const mark_ = output_mark::make();  // between the lines of what workers print
  oom_watch oom_;
  std::vector<bool> taken_;                              // by number
  std::vector<std::shared_ptr<nursery_link>> nurseries_;  // the last one is asked; the others are where workers come from
  std::vector<std::shared_ptr<nursery_link>> leaving_;    // that were dismissed
  std::function<void()> gone_;
  std::shared_ptr<local_workers*> alive_ = std::make_shared<local_workers*>(this);
};

}  // namespace procx::inline v1::detail
