#pragma once

#include "channel/channel_core.hpp"
#include "dispatch/lane.hpp"
#include "memory/slab_sources.hpp"
#include "exchange/channel_watch.hpp"
#include "process/resources/oom_watch.hpp"
#include "system/event_loop.hpp"
#include "system/ticker.hpp"

#include <procx/detail/dispatch/held_result.hpp>
#include <procx/error/certificate.hpp>
#include <procx/exchange/exchange.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace procx::inline v1::detail {

/// What is behind an exchange: the channels it watches, the tasks that wait for their turn, and, with reuse, a
/// dispatcher for those tasks that any worker can run.
class exchange_core final : public task_sink, public std::enable_shared_from_this<exchange_core> {
 public:
  exchange_core(exchange& owner, exchange_options const& options, std::optional<boost::asio::any_io_executor> executor);
  ~exchange_core() override;

  exchange_options const& options() const noexcept { return options_; }
  boost::asio::any_io_executor const& executor() const noexcept { return loop_.executor(); }
  std::size_t started() const noexcept { return next_index_; }

  channel& add(channel ch);
  channel remove(channel& ch);
  void submit(std::unique_ptr<job> task);
  std::optional<channel> create();

  exchange::channel_list active();
  exchange::channel_list removed();
  std::size_t waiting() const noexcept;
  bool unfinished() const noexcept;
  bool busy() const noexcept;

  exchange::channel_list ready(deadline until);
  bool store(deadline until);
  /// Reaps what has ended, where there is nothing to wait for.
  void reap();
  void start_waiting();

  std::uint64_t start_wait(std::unique_ptr<operation>&& op, bool for_all);
  void cancel_wait(std::uint64_t id);
  /// No more calls into the owner: it is being destroyed.
  void disown();
  bool foreign() const noexcept { return loop_.foreign(); }
  bool is_private() const noexcept { return loop_.is_private(); }

  // Results of the dispatcher's workers. They are kept, and shown to the owner from `on_progress` as if they came over
  // channels: it may start others then, wait for them, or run the loop.
  void on_value(std::uint64_t id, worker_name const& worker, encoded_value const& value) override;
  void on_failure(std::uint64_t id, worker_name const& worker, std::exception_ptr error) override;
  void on_progress() override;
  void on_broken(std::exception_ptr why) noexcept override;

 private:
  struct waiting_job {
    std::size_t index = 0;
    std::unique_ptr<job> task = nullptr;
    unsigned exceptions = 0, deaths = 0;  // that it has ended with before
  };
  struct delayed_job {
    std::chrono::steady_clock::time_point due;
    waiting_job again;
  };
  struct member {
    member(channel c, boost::asio::any_io_executor const& executor) : ch(std::move(c)), dying(executor) {}

    channel ch;
    std::optional<channel_watch> watch;
    waiting_job at = {};              // what its process does; no task: it was added, and is somebody else's
    std::chrono::steady_clock::time_point began = {};
    std::size_t tasks = 0;      // that it has been given
    std::size_t baseline = 0;   // bytes that were resident in it before its first
    std::optional<death_cause> killed_for = {};
    std::optional<std::chrono::steady_clock::time_point> kill_at = {};
    bool expects_result = true;
    bool in_ready = false;
    bool faulty = false;    // what it sent makes no sense
    bool left = false;      // no member any more
    bool shown = false;     // the owner looks at it just now, and may do anything meanwhile
    boost::asio::steady_timer dying;
    std::shared_ptr<member*> alive = std::make_shared<member*>(this);
  };
  /// What a task of a worker has come to.
  struct arrived_result {
    std::uint64_t id;
    pid_t worker;
    held_result result;
    bool is_offered = false;  // by the worker's stand-in, to an owner that looks after its channels itself
  };
  member& watch_channel(channel ch, std::size_t index);
  void on_event(member& m);
  void classify(member& m);
  void wait_for_death(member& m);
  void leave(member& m);
  void bury_removed();
  void reap_leaving();
  void see_all_off();
  void look_after_leaving(std::chrono::milliseconds in);
  void look_again();
  bool tell(member& m);
  bool has_given(member const& m);
  void process_ready();
  void on_ready();
  void go_on_soon();
  void store_from(member& m);
  void show(channel& from, void (exchange::*how)(channel&));
  void note_escaped(std::exception_ptr what);
  void throw_escaped();
  bool go_on(member& m);
  static void send_no_more(channel& to);
  void begin(member& m, waiting_job next);
  bool used_up(member const& m) const;

  static bool is_at_work(member const& m) noexcept;
  bool must_look() const noexcept;
  void arm_tick();
  void tick(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds absence);
  void look_after(member& m, std::chrono::steady_clock::time_point now);
  static void end_for(member& m, death_cause cause, std::chrono::nanoseconds grace);
  bool must_cancel() const noexcept;
  void cancel_waiting();
  void drop_waiting();
  void stop_running();

  bool tries_again(member& m, bool exception);
  void explain_death(member& m);
  bool room_for_one() const noexcept;
  bool under_way() const noexcept;
  void start_or_note();
  bool see_one_leave();
  static void see_off(process& p, std::chrono::steady_clock::time_point until);
  void launch(waiting_job& next);
  void to_workers(job& task);
  void make_workers();
  channel& stand_in_for(pid_t worker);
  void show_arrived();
  void take_back_offers();
  void list_faces(exchange::channel_list& list);
  void show_kept();
  bool has_untaken(pid_t worker, std::deque<arrived_result> const& results) const;
  bool keeps_any() const noexcept;
  void complete_waits();

  exchange* owner_;
  exchange_options options_;
  std::size_t limit_;  // 0: none
  event_loop loop_;
  std::size_t next_index_ = 0;
  std::list<member> members_;
  std::list<member> removed_;     // until the next look, for those who were told of them
  std::list<member> taken_out_;   // what is left of those that the owner removed: they may be in the midst of something
  std::deque<member*> ready_;     // something can be received or told, and nobody was told yet
  std::vector<member*> reported_;  // told by `ready`: to be looked at again
  std::deque<waiting_job> waiting_;
  std::vector<delayed_job> delayed_;  // to be tried again later
  std::vector<process> leaving_;  // their channels have ended; they have a moment to end too
  std::shared_ptr<callable_table> callables_ = std::make_shared<callable_table>();
  std::map<void*, std::uint32_t> table_places_;
  std::unique_ptr<dispatcher> workers_;
  std::unique_ptr<lane> worker_tasks_;
  std::map<pid_t, channel> stand_ins_;
  std::deque<arrived_result> arrived_;  // that were not shown
  bool by_hand_;  // the owner asks what is ready, or has not yet said what it will do: what comes of workers is kept
  std::map<pid_t, std::deque<arrived_result>> kept_;  // of each worker, in their order; its stand-in offers the first
  std::deque<std::exception_ptr> escaped_;  // from store_data, and nobody has been told
  std::uint64_t stored_ = 0;  // so much was shown: counted, since the owner may wait again while something is shown
  ticker ticker_;
  boost::asio::steady_timer leaving_timer_;
  bool looks_after_leaving_ = false;
  bool running_stopped_ = false;
  std::optional<oom_watch> oom_;  // since the first process was started

  struct waiter {
    std::uint64_t id;
    std::unique_ptr<operation> op;
    bool for_all;
  };
  std::optional<waiter> waiter_;
  std::uint64_t next_wait_ = 1;
};

}  // namespace procx::inline v1::detail
