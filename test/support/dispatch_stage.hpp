#pragma once

#include "dispatch/dispatcher.hpp"
#include "dispatch/lane.hpp"
#include "system/event_loop.hpp"

#include "support/scripted_workers.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The kind of an error, in a word.
inline std::string word_for(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (procx::task_timeout const&) {
    return "timeout";
  } catch (procx::task_cancelled const&) {
    return "cancelled";
  } catch (procx::process_died const& e) {
    return "died of " + std::to_string(e.status().signal()) + " at attempt " + std::to_string(e.certificate()->attempt);
  } catch (std::exception const& e) {
    return e.what();
  }
}

/// An owner of tasks who notes what he is told, in words. Throws std::logic_error if a task has two ends, or the value of
/// another.
class recording_sink final : public procx::detail::task_sink {
 public:
  std::map<std::uint64_t, std::string> ends;  ///< "value", or the error in a word
  std::vector<std::uint64_t> order;           ///< of the ends
  std::vector<std::string> log;               ///< all calls since `take_log`
  std::vector<std::string> bad_endings;
  std::uint64_t serial = 0;                   ///< of the tasks' arguments: that of a task is this and its id
  std::function<void()> then = nullptr;       ///< called by `on_progress`
  std::function<void(std::uint64_t)> at_end = nullptr;

  void on_value(std::uint64_t id, procx::detail::worker_name const&, procx::detail::encoded_value const& value) override {
    std::uint64_t given = 0;
    if (value.bytes.size() >= sizeof given) std::memcpy(&given, value.bytes.data(), sizeof given);
    note(given == serial + id, "the value is the task's own");
    log.push_back("value " + std::to_string(id));
    end(id, "value");
  }
  void on_values(std::uint64_t first, procx::detail::worker_name const& from,
                 procx::detail::value_series const& values) override {
    log.push_back("series of " + std::to_string(values.count));
    task_sink::on_values(first, from, values);
  }
  void on_failure(std::uint64_t id, procx::detail::worker_name const& from, std::exception_ptr error) override {
    std::string const word = word_for(error);
    log.push_back("failure " + std::to_string(id) + (from.process ? "" : " of no worker") + ": " + word);
    end(id, word);
  }
  void on_parts(std::uint64_t id, std::span<std::byte const> parts) override {
    log.push_back("parts of " + std::to_string(id) + ": " + text_of(parts));
  }
  void on_retry(std::uint64_t id) override { log.push_back("retry " + std::to_string(id)); }
  void on_message(std::uint64_t id, std::uint64_t topic, std::span<std::byte const> bytes) override {
    log.push_back("message of " + std::to_string(id) + " to " + std::to_string(topic) + ": " + text_of(bytes));
  }
  void on_progress() override {
    log.push_back("progress");
    if (then) then();
  }
  void on_broken(std::exception_ptr why) noexcept override { log.push_back("broken: " + word_for(why)); }
  void on_bad_ending(std::exception_ptr why) noexcept override { bad_endings.push_back(word_for(why)); }

  std::vector<std::string> take_log() { return std::exchange(log, {}); }
  std::string end_of(std::uint64_t id) const { return ends.contains(id) ? ends.at(id) : ""; }

 private:
  static std::string text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }
  static void note(bool so, char const* what) {
    if (!so) throw std::logic_error(what);
  }
  void end(std::uint64_t id, std::string word) {
    note(ends.emplace(id, std::move(word)).second, "a task has one end");
    order.push_back(id);
    if (at_end) at_end(id);
  }
};

/// An owner with a lane. His tasks are numbered from 0, and their arguments are 8 bytes each.
struct owner {
  owner(procx::detail::dispatcher& d, double weight = 1, std::uint64_t serial = 0)
      : lane(std::make_unique<procx::detail::lane>(d, sink, weight)) {
    sink.serial = serial;
    sink.then = [&d] { d.pump(); };
  }

  /// So many more tasks.
  void add(std::size_t count, procx::detail::task_head const& head = {}) {
    constexpr std::size_t length = procx::detail::arguments_length_size + sizeof(std::uint64_t);
    while (count > 0) {
      auto const room = lane->begin_tasks(length, count);
      for (std::size_t i = 0; i < room.count; ++i) {
        std::uint64_t const words[] = {sizeof(std::uint64_t), sink.serial + added + i};
        std::memcpy(room.at + i * length, words, sizeof words);
      }
      lane->commit_tasks(added, room.count, head);
      added += room.count;
      count -= room.count;
    }
  }
  /// One more, whose arguments are longer.
  void add_long(std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::uint64_t const word = sink.serial + added;
    std::memcpy(bytes.data(), &word, sizeof word);
    procx::detail::packed_task task;
    task.bytes.append(bytes.data(), bytes.size());
    lane->add_task(added++, std::move(task));
  }
  std::size_t number_of(std::string const& end) const {
    std::size_t n = 0;
    for (auto const& [id, word] : sink.ends) n += word == end;
    return n;
  }

  recording_sink sink;
  std::unique_ptr<procx::detail::lane> lane;
  std::uint64_t added = 0;
};

/// A dispatcher, its loop, its workers and their clock.
struct dispatch_stage {
  using options = procx::detail::dispatcher_options;

  explicit dispatch_stage(options o = {}, procx::detail::event_loop on = {}) : loop(std::move(on)) {
    o.now = [this] { return workers.now; };
    dispatcher = std::make_unique<procx::detail::dispatcher>(loop, o, std::make_shared<procx::detail::callable_table>(),
                                                             workers.source());
  }

  void move_clock(std::chrono::nanoseconds by) {
    workers.now += by;
    dispatcher->tick(workers.now);
  }
  void pump() {
    dispatcher->pump();
    loop.poll();
  }

  procx::detail::event_loop loop;
  scripted_workers workers;
  std::unique_ptr<procx::detail::dispatcher> dispatcher;
};

/// One worker at a time, which has three tasks.
struct three_tasks : dispatch_stage {
  explicit three_tasks(std::uint32_t retries, std::chrono::nanoseconds backoff = {})
      : dispatch_stage({.backoff = backoff, .policy = {.window = 3, .retries = retries}}), o(*dispatcher) {
    o.add(3);
    pump();
  }
  scripted_worker& last() { return workers[workers.size() - 1]; }
  owner o;
};
