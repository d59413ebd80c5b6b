#include "dispatch/dispatcher.hpp"

#include "error/death_error.hpp"
#include "memory/slab_arena.hpp"
#include "system/stop_level.hpp"

#include <procx/detail/dispatch/saved_task.hpp>
#include <procx/detail/dispatch/task_description.hpp>
#include <procx/error/describe.hpp>
#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <csignal>
#include <new>
#include <string>
#include <utility>

#include <unistd.h>

// What becomes of a task that fails: whether it is tried again, what is known of it, and what is kept.

namespace procx::inline v1::detail {

/// What a worker's death means for the task that it was at, or for nobody in particular.
std::exception_ptr dispatcher::error_of_end(worker_end& end, task_run const* task) const try {
  if (!end.has_certificate) return std::make_exception_ptr(std::bad_alloc());
  death_certificate c = end.certificate;
  if (task) {
    c.task = task->id;
    c.attempt = schedule_.attempt(*task);
  }
  return error_of(std::move(c));
} catch (std::bad_alloc const&) {
  return std::current_exception();
}

/// After a failure of this kind: whether it will be tried again, now or in a while.
bool dispatcher::try_again(task_run task, schedule::failure how) {
  auto const wait = backoff_after(schedule_.attempt(task), settings_.backoff);
  task_sink* const sink = lanes_[task.lane].sink;
  bool const stops = stop_level() > 0 && (settings_.drain.count() == 0 || heeded_ > 0);
  if (stops || !sink || !schedule_.may_try_again(task, how)) return false;
  sink->on_retry(task.id);
  if (wait.count() > 0)
    delayed_.add(task, after(wait));
  else
    schedule_.put_back(task);
  cancel_again();
  return true;
}

dispatcher::time_point dispatcher::after(std::chrono::nanoseconds wait) const {
  auto const begin = now();
  return wait > time_point::max() - begin ? time_point::max() : begin + wait;
}

void dispatcher::fail_task(task_run const& task, worker_name const& from, std::exception_ptr error) {
  if (task_sink* const sink = news_for(task.lane).sink) sink->on_failure(task.id, from, std::move(error));
  finish(task);
}

void dispatcher::fail_or_retry(task_run const& task, worker_name const& from, std::exception_ptr error) {
  if (try_again(task, schedule::failure::exception)) return;
  save_arguments(task, error);
  fail_task(task, from, std::move(error));
}

/// These tasks, which are in no place, fail in a handler of their own: whoever is told may start others, which may be just as
/// hopeless, and so on, and is in the midst of something now.
void dispatcher::give_up(task_run const& tasks, std::exception_ptr error) {
  given_up_.push_back({tasks, std::move(error)});
  if (std::exchange(tells_given_up_, true)) return;
  boost::asio::post(loop_.executor(), [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || loop_.foreign()) return;
    tells_given_up_ = false;
    if (given_up_.empty()) return;  // stopped meanwhile
    guarded([this] {
      fail_given_up();
      tell_progress();
    });
  });
}

void dispatcher::fail_given_up() {
  while (!given_up_.empty()) {
    auto& [tasks, error] = given_up_.front();
    task_run const task = tasks.take_front(1);
    std::exception_ptr why = error;
    if (tasks.count == 0) given_up_.pop_front();
    fail_task(task, {}, std::move(why));
  }
}

/// Keeps the arguments in a file, if that is wanted, and notes its name in the error. That the file cannot be written is
/// no reason to lose the error: the error says so too, and the log.
void dispatcher::save_arguments(task_run const& task, std::exception_ptr const& error) const {
  if (settings_.save_failures.empty()) return;
  try {
    std::string file, why;
    try {
      file = save(task, error).string();
    } catch (std::exception const& e) {
      why = e.what();
    }
    if (!why.empty()) tell_not_saved(task, why);
    try {
      std::rethrow_exception(error);
    } catch (task_error& e) {
      if (why.empty())
        e.set_saved_as(file);
      else
        e.set_not_saved(why);
    }
  } catch (...) {
    // The error is none that has room for it, or there is no memory for the words.
  }
}

void dispatcher::tell_not_saved(task_run const& task, std::string const& why) const {
  if (!settings_.log) return;
  std::string const text = "procx: the arguments of a task that failed could not be saved: " + why;
  try {
    settings_.log({::getpid(), 0, task.id, text});
  } catch (...) {
    // It must not throw, and the line is lost.
  }
}

/// An error for one of many tasks that fail for the same reason: what is noted in it is that one's.
std::exception_ptr dispatcher::own_copy(std::exception_ptr const& error) const {
  if (settings_.save_failures.empty()) return error;
  try {
    std::rethrow_exception(error);
  } catch (remote_exception const& e) {
    return std::make_exception_ptr(e);
  } catch (process_died const& e) {
    return std::make_exception_ptr(e);
  } catch (...) {
    return error;
  }
}

std::filesystem::path dispatcher::save(task_run const& task, std::exception_ptr const& error) const {
  saved_task saved;
  for (auto const& s : tasks_.attached(task)) {
    auto const bytes = s->arena()->written(s->number());
    saved.blocks[s->number()].assign(bytes.begin(), bytes.end());
  }
  saved_blocks blocks(saved);
  input_archive in(tasks_.arguments(task), &blocks);
  task_head const& head = task.head;
  if (head.callable == callable_table::named) throw protocol_error("a task that is called by name cannot be saved");
  auto const entry = head.entry ? reinterpret_cast<task_entry>(function_at(head.entry)) : (*callables_)[head.callable].call;
  task_description const description = description_of(entry);
  if (!description.arguments) throw protocol_error("nobody knows what the task was given");
  if (description.skip_callable) description.skip_callable(in);

  saved.type = description.arguments;
  saved.failure = describe(error);
  std::byte const* const at = in.take(0);
  saved.arguments.assign(at, at + in.left());
  return saved.save(settings_.save_failures);
}

}  // namespace procx::inline v1::detail
