#include "dispatch/worker.hpp"

#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/frame.hpp>

#include <cstring>

namespace procx::inline v1::detail {
namespace {

using clock = std::chrono::steady_clock;

class worker {
 public:
  worker(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
         std::size_t frame_limit)
      : tasks_(tasks), results_(results), slot_(slot), callables_(callables), reader_(frame_limit), limit_(frame_limit) {}

  int run() {
    for (;;) {
      since_ = clock::now();
      while (auto const task = reader_.next())
        if (!run_task(*task)) return 0;
      if (!flush()) return 0;
      auto const r = read_some(tasks_.get(), reader_.prepare());
      if (r.end || r.error) return 0;
      reader_.commit(r.bytes);
    }
  }

 private:
  bool run_task(frame const& task) {
    slot_.claimed.store(task.id + 1, std::memory_order_release);
    result_.clear();
    frame_writer writer(result_);
    writer.begin();
    try {
      call(task.payload);
      writer.finish(frame_kind::value, task.id, limit_);
    } catch (...) {
      report(task.id, std::current_exception());
    }
    if (generation_ != generation()) ::_exit(0);  // the task forked: this is not the worker but its child
    bool const taken = keep_result();
    slot_.done.store(task.id + 1, std::memory_order_release);
    ++unflushed_;
    bool const due = unflushed_ * 2 >= slot_.credit.load(std::memory_order_relaxed);
    return taken && (!due || flush());
  }

  void call(std::span<std::byte const> payload) {
    input_archive in(payload);
    output_archive out(result_);
    std::uint32_t place = 0;
    in >> place;
    if (place == callable_table::travels) {
      image_offset offset = 0;
      in >> offset;
      auto const entry = reinterpret_cast<task_entry>(function_at(offset));
      entry(nullptr, in, out);
    } else {
      if (place >= callables_.size()) throw protocol_error("a task for a callable that this worker does not know");
      auto const& known = callables_[place];
      known.call(known.object.get(), in, out);
    }
  }

  void report(std::uint64_t id, std::exception_ptr const& error) {
    frame_writer writer(result_);
    try {
      result_.clear();
      writer.begin();
      encode(result_, describe_exception(error));
      writer.finish(frame_kind::exception, id, limit_);
    } catch (...) {  // even that is too large
      result_.clear();
      writer.begin();
      exception_record record;
      record.message = "an exception that does not fit into a frame";
      encode(result_, record);
      writer.finish(frame_kind::exception, id, frame_header::max_length);
    }
  }

  bool keep_result() {
    std::uint64_t end = slot_.results_end.load(std::memory_order_relaxed);
    if (end + result_.size() > board_slot::results_size) {
      if (!flush()) return false;
      if (result_.size() > board_slot::results_size) return write_all(result_);
      end = 0;
    }
    std::memcpy(slot_.results.data() + end, result_.data(), result_.size());
    slot_.results_end.store(end + result_.size(), std::memory_order_release);
    return true;
  }

  bool flush() {
    if (unflushed_ == 0) return true;
    auto const now = clock::now();
    auto const busy = std::chrono::duration_cast<std::chrono::nanoseconds>(now - since_).count();
    slot_.busy_ns.fetch_add(static_cast<std::uint64_t>(busy), std::memory_order_relaxed);
    unflushed_ = 0;
    std::size_t const end = slot_.results_end.load(std::memory_order_relaxed);
    bool const ok = write_all({slot_.results.data(), end});
    slot_.results_epoch.fetch_add(1, std::memory_order_relaxed);  // odd: whoever peeks must not believe it
    std::atomic_thread_fence(std::memory_order_release);
    slot_.results_end.store(0, std::memory_order_release);
    slot_.results_epoch.fetch_add(1, std::memory_order_release);
    since_ = clock::now();
    return ok;
  }

  bool write_all(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
      auto const r = write_some(results_.get(), bytes);
      if (r.end || r.error) return false;
      bytes = bytes.subspan(r.bytes);
    }
    return true;
  }

  descriptor const& tasks_;
  descriptor const& results_;
  board_slot& slot_;
  callable_table const& callables_;
  frame_reader reader_;
  std::size_t limit_;
  unsigned generation_ = generation();
  buffer result_;
  std::uint32_t unflushed_ = 0;
  clock::time_point since_{};
};

}  // namespace

int run_worker(descriptor const& tasks, descriptor const& results, board_slot& slot, callable_table const& callables,
               std::size_t frame_limit) {
  return worker(tasks, results, slot, callables, frame_limit).run();
}

}  // namespace procx::inline v1::detail
