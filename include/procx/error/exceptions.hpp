#pragma once

#include <procx/version.hpp>

#include <procx/error/certificate.hpp>
#include <procx/error/errc.hpp>
#include <procx/error/exception_record.hpp>
#include <procx/error/exit_status.hpp>

#include <boost/system/system_error.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include <sys/types.h>

namespace procx::inline v1 {

/// The root of everything that procx throws because of what happened outside this process.
///
/// It is a `boost::system::system_error`, so that code which knows only Asio's errors catches it too. `what()` is the
/// whole sentence; `code()` is what the same failure is as an `error_code`.
class error : public boost::system::system_error {
 public:
  error(boost::system::error_code code, std::string message);
  char const* what() const noexcept override { return message_->c_str(); }

 protected:
  /// Before anybody else has it.
  void add_to_message(std::string const& text) { message_ = std::make_shared<std::string const>(*message_ + text); }

 private:
  std::shared_ptr<std::string const> message_;  // shared: copying an exception must not throw
};

/// Nothing more will come through the channel, or nobody takes anything from it any more.
class end_of_channel : public error {
 public:
  explicit end_of_channel(std::string message = "the channel is closed at the other end");
};

/// Nobody answers at an address, or somebody who is not who was expected.
class connection_error : public error {
 public:
  explicit connection_error(std::string message, boost::system::error_code code = errc::connection_error);
};

/// The bytes received are not what was agreed; the channel that brought them is of no use any more.
class protocol_error : public error {
 public:
  explicit protocol_error(std::string message, boost::system::error_code code = errc::protocol_error);
};

/// A task has no value: the base of all the ways in which that comes about.
class task_error : public error {
 public:
  using error::error;
  task_error(boost::system::error_code code, std::string message, death_certificate&& certificate);

  /// What is known of the process that died of the task, or was killed because of it; null if none was. Valid as long as
  /// this exception or a copy of it.
  death_certificate const* certificate() const noexcept { return certificate_.get(); }
  /// The file in which the task's arguments were kept, for `px::replay`; empty if they were not.
  std::string const& saved_as() const noexcept;
  /// Why they were not, though `save_failures` asked for it; `what()` says it too. Empty if there is nothing to say.
  std::string const& not_saved_because() const noexcept;
  /// Before anybody else has it.
  void set_saved_as(std::string file) { saved_as_ = std::make_shared<std::string const>(std::move(file)); }
  /// Likewise.
  void set_not_saved(std::string why);

 private:
  std::shared_ptr<death_certificate const> certificate_;
  std::shared_ptr<std::string const> saved_as_;
  std::shared_ptr<std::string const> not_saved_because_;
};

/// The callable threw in the other process. The exception itself stays there; what it was comes here.
class remote_exception : public task_error {
 public:
  explicit remote_exception(exception_record record);

  /// The dynamic type, demangled: "std::range_error". Empty if what was thrown has no type that can be named.
  std::string const& type_name() const noexcept { return record_->type_name; }
  /// What the exception's own `what()` said.
  std::string const& message() const noexcept { return record_->message; }
  /// Where it was thrown, one frame a line, the innermost first; or a line in brackets that says why there is none.
  ///
  /// Cost: reads debug information at the first call, some milliseconds.
  std::string stack_trace() const;
  /// All that is known, with the exceptions nested in this one.
  exception_record const& record() const noexcept { return *record_; }

 private:
  std::shared_ptr<exception_record const> record_;
};

/// The process ended before it had given its result.
class process_died : public task_error {
 public:
  explicit process_died(death_certificate certificate);
  process_died(pid_t pid, exit_status status, std::string stderr_tail);

  /// The process id that it had: somebody else may have it by now.
  pid_t pid() const noexcept { return certificate()->pid; }
  exit_status status() const noexcept { return certificate()->status; }
  /// What it wrote to its standard error last, at most 4 KiB; empty if that was not captured.
  std::string const& stderr_tail() const noexcept { return certificate()->stderr_tail; }
};

/// The task was stopped because it took longer than it was given.
class task_timeout : public task_error {
 public:
  explicit task_timeout(std::string message = "the task took too long");
  explicit task_timeout(death_certificate certificate);
};

/// The task was cancelled; `code()` is Asio's `operation_aborted`.
class task_cancelled : public task_error {
 public:
  explicit task_cancelled(std::string message = "the task was cancelled");
  explicit task_cancelled(death_certificate certificate);
};

/// Members were called in an order that makes no sense.
class sequence_error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Something was put into a queue that had been stopped.
class queue_stopped : public std::logic_error {
 public:
  queue_stopped() : std::logic_error("the queue has been stopped") {}
  explicit queue_stopped(std::string const& why) : std::logic_error(why) {}
};

}  // namespace procx::inline v1
