#include "local/worker_process.hpp"

#include "dispatch/tasks/callee.hpp"
#include "local/task_frame.hpp"
#include "local/worker_results.hpp"
#include "memory/slab_sources.hpp"
#include "system/memory_use.hpp"
#include "process/streams.hpp"
#include "system/file_identity.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/detail/dispatch/task_output.hpp>
#include <procx/dispatch/stop_requested.hpp>
#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

using clock = std::chrono::steady_clock;

// The task that runs, for `stop_requested`.
std::atomic<board_slot const*> current_slot = nullptr;
std::atomic<std::uint64_t> current_number = 0;

// Results of tasks that take less than this together are not sent early: each write costs as much as many of them.
constexpr std::chrono::microseconds worth_a_write{100};
constexpr std::uint32_t clock_every = 16;  // results, once it matters
constexpr std::size_t parts_at_once = 16 * 1024;  // bytes of them in one frame

class worker_process final : private task_output {
 public:
  worker_process(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
         worker_settings const& settings)
      : task_output(&slot.place),
        tasks_(tasks),
        tasks_file_(tasks.get()),
        results_(slot, results),
        slot_(slot),
        callees_(callables),
        settings_(settings),
        reader_(std::min<std::size_t>(settings.frame_limit, frame_header::max_length) + task_frame::payload_extra,
                worker_pipe_size),
        limit_(settings.frame_limit) {
    current_slot = &slot;
    if (settings.takes_messages) set_current(this);
    note_crashes(slot.crash);
    if (settings.prints_by_line) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  }

  int run() {
    if (!set_up()) return 1;
    run_tasks();
    if (settings_.mark) mark_output(output_mark::nothing);
    return tear_down() ? 0 : 1;
  }

 private:
  bool set_up() {
    try {
      if (settings_.mark) {
        marks_ = duplicate_high(STDERR_FILENO);
        marks_file_ = file_identity(marks_.get());
      }
      accept(settings_.limits);
      if (settings_.setup) settings_.setup();
      if (settings_.memory_limit || settings_.limits.recycle_after_memory) take_stock();
      return true;
    } catch (...) {
      describe(std::current_exception());
      results_.write({frame_kind::exception, 0, result_.size(), setup_failed}, result_);
      return false;
    }
  }

  bool tear_down() {
    try {
      if (settings_.teardown) settings_.teardown();
      return true;
    } catch (...) {
      describe(std::current_exception(), std::min(limit_, board_slot::results_size / 2));
      results_.add(frame_kind::exception, 0, teardown_failed, result_);
      return false;
    }
  }

  void take_stock() {
    if (auto const use = memory_use_of(::getpid()))
      slot_.baseline.store(std::max<std::size_t>(1, use->resident), std::memory_order_release);
    if (settings_.memory_limit) limit_address_space(settings_.memory_limit);
  }

  void run_tasks() {
    for (;;) {
      since_ = clock::now();
      while (auto const tasks = reader_.next())
        if (!run_tasks_of(*tasks)) return;
      if (!flush()) return;
      if (!tasks_file_.is(tasks_.get())) return;  // a task has closed it
      try {
        auto const r = read_some(tasks_.get(), reader_.prepare());
        if (r.end || r.error) return;
        reader_.commit(r.bytes);
      } catch (std::bad_alloc const&) {
        refused_ = reader_.skip_next();
        if (!refused_) throw;
      }
      if (refused_ && !reader_.skips() && !refuse(*std::exchange(refused_, std::nullopt))) return;
    }
  }

  /// There was no memory for this frame, which holds one task: that fails, and the worker goes on. Not before all of the frame
  /// has been passed over: a result that comes while its task is still being sent is none.
  bool refuse(frame_header const& h) {
    if (!slot_.begin(h.id)) return true;
    return run_task(claim{h.id}.count(), [] { throw std::bad_alloc(); });
  }

  /// False if there is nobody to give results to.
  bool run_tasks_of(frame const& f) {
    task_frame::reader tasks(f);
    callee_.reset();
    for (std::uint64_t id = f.id; tasks.has_next(); ++id) {
      input_archive arguments = tasks.next(&lent_);
      if (!slot_.begin(id)) return true;  // it was taken back, as are all behind it
      bool const taken = run_task(claim{id}.count(), [&] {
        if (!callee_) callee_ = callees_.find(tasks.head());
        output_archive out(result_, settings_.takes_messages ? nullptr : &slabs_);
        callee_->entry(callee_->object, arguments, out);
      });
      if (!taken) return false;
    }
    return true;
  }

  /// `call` writes the result.
  template <class Call>
  bool run_task(std::uint64_t number, Call call) {
    current_number.store(number + 1, std::memory_order_relaxed);
    if (settings_.mark) mark_output(number);
    result_.clear();
    frame_kind kind = frame_kind::value;
    std::uint8_t flags = 0;
    number_ = number;
    try {
      call();
      if (!parts_.empty()) [[unlikely]] send_parts();
      flags = finish_value();
    } catch (...) {
      slabs_.clear();
      give_up_parts();
      kind = frame_kind::exception;
      flags = 0;
      describe(std::current_exception());
    }
    if (generation_ != generation()) ::_exit(0);  // the task forked: this is not the worker but its child
    slot_.returned.store(number + 1, std::memory_order_release);
    if (settings_.mark) flush_standard_streams();
    bool const taken = keep_result(kind, flags, number);
    slot_.done.store(number + 1, std::memory_order_release);
    ++unflushed_;
    return taken && (!flush_is_due() || flush());
  }

  /// What is printed from now on is this task's.
  void mark_output(std::uint64_t number) const {
    auto const mark = settings_.mark->with(number);
    for (int const fd : {marks_.get(), STDERR_FILENO, STDOUT_FILENO}) {
      if (!marks_file_.is(fd)) continue;  // a task has closed it, and the number may be its own file's
      write_some(fd, std::as_bytes(std::span(mark)));  // a few bytes of a pipe: all or none
      return;
    }
  }

  /// Half the credit is done, and it was worth it.
  bool flush_is_due() const {
    std::uint32_t const half = (slot_.credit.load(std::memory_order_relaxed) + 1) / 2;
    if (unflushed_ < half || (unflushed_ - half) % clock_every != 0) return false;
    return clock::now() - since_ >= worth_a_write;
  }

  /// The flags of its frame. Large parts of it may lie in shared memory: the parent finds them in a list behind the value.
  std::uint8_t finish_value() {
    if (!slabs_.empty()) append_slab_list(result_, slabs_.slabs());
    std::size_t const size = std::max(result_.size(), slabs_.bytes());
    if (size > limit_) [[unlikely]] throw_too_large("a value", size, limit_);
    if (slabs_.empty()) return 0;
    for (auto const& s : slabs_.take()) s->disown();
    return has_blocks;
  }

  void part(std::span<std::byte const> bytes) override {
    std::uint64_t const length = bytes.size();
    if (parts_.empty()) parts_.append(&extras_, sizeof extras_);
    parts_.append(&length, sizeof length);
    parts_.append(bytes.data(), bytes.size());
    if (parts_.size() >= parts_at_once) send_parts();
  }
  void send_parts() {
    if (parts_.size() > limit_) throw_too_large("a part of a result", parts_.size(), limit_);
    send_extra(frame_kind::parts, parts_);
    parts_.clear();
  }
  /// What the task gave before it failed goes on.
  void give_up_parts() noexcept {
    if (parts_.empty()) return;
    try {
      send_parts();
    } catch (...) {
      parts_.clear();
    }
  }
  void message(std::uint64_t topic, std::span<std::byte const> bytes) override {
    if (!parts_.empty()) send_parts();
    if (bytes.size() > limit_) throw_too_large("a message", bytes.size(), limit_);
    buffer whole;
    whole.append(&extras_, sizeof extras_);
    whole.append(&topic, sizeof topic);
    whole.append(bytes.data(), bytes.size());
    send_extra(frame_kind::message, whole);
  }
  void send_extra(frame_kind kind, std::span<std::byte const> bytes) {
    if (generation_ != generation()) throw sequence_error("a child of a worker has nobody to give results to");
    if (!results_.has_room(bytes.size()) && !results_.flush()) return;  // the parent has gone, and this process goes next
    results_.add(kind, 0, number_, bytes);
    ++extras_;
    if (clock::now() - last_extra_ < worth_a_write * 10) return;
    results_.flush();
    last_extra_ = clock::now();
  }

  /// The exception becomes the result.
  void describe(std::exception_ptr const& error) { describe(error, limit_); }
  void describe(std::exception_ptr const& error, std::size_t limit) {
    try {
      exception_record record = describe_exception(error);
      if (settings_.memory_limit && record.type_name == "std::bad_alloc")
        record.message += " (a task may use " + std::to_string(settings_.memory_limit) + " bytes here)";
      encode_result(record);
      if (result_.size() > limit) encode_result(shortened(record, limit));
    } catch (...) {
      exception_record record;
      record.message = "an exception that there is no memory to describe";
      encode_result(record);
    }
  }
  void encode_result(exception_record const& record) {
    result_.clear();
    encode(result_, record);
  }

  bool keep_result(frame_kind kind, std::uint8_t flags, std::uint64_t number) {
    if (kind == frame_kind::value && flags == 0 && results_.extend(result_)) return true;
    if (!results_.has_room(result_.size()) && !flush()) return false;
    return results_.add(kind, flags, number, result_);
  }

  bool flush() {
    if (unflushed_ == 0) return true;
    auto const now = clock::now();
    auto const busy = std::chrono::duration_cast<std::chrono::nanoseconds>(now - since_).count();
    slot_.busy_ns.fetch_add(static_cast<std::uint64_t>(busy), std::memory_order_relaxed);
    unflushed_ = 0;
    if (!results_.flush()) return false;
    since_ = clock::now();
    return true;
  }

  descriptor const& tasks_;
  file_identity tasks_file_;
  descriptor marks_;  // the pipe of standard error, whatever tasks do with that
  file_identity marks_file_;
  worker_results results_;
  board_slot& slot_;
  callee_finder callees_;
  worker_settings const& settings_;
  frame_reader reader_;
  std::optional<frame_header> refused_;
  std::size_t limit_;
  unsigned generation_ = generation();
  buffer result_;
  buffer parts_;               // that have not left, behind the number of the frame that they will be in
  std::uint64_t extras_ = 0;   // frames with parts and messages so far
  std::uint64_t number_ = 0;   // of the task that runs
  clock::time_point last_extra_{};
  std::optional<callee> callee_;
  lent_slabs lent_;
  slab_sink slabs_{slab_arena::parents(), slab_arena::worker_number()};
  std::uint32_t unflushed_ = 0;
  clock::time_point since_{};
};

}  // namespace

int run_worker(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
               worker_settings const& settings) {
  return worker_process(tasks, results, slot, callables, settings).run();
}

}  // namespace procx::inline v1::detail

namespace procx::inline v1 {

bool stop_requested() noexcept {
  auto const* const slot = detail::current_slot.load(std::memory_order_relaxed);
  return slot && slot->stop.load(std::memory_order_relaxed) == detail::current_number.load(std::memory_order_relaxed) &&
         slot->done.load(std::memory_order_relaxed) < slot->stop.load(std::memory_order_relaxed);
}

}  // namespace procx::inline v1
