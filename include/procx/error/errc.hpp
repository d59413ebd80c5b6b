#pragma once

#include <procx/version.hpp>

#include <boost/system/error_code.hpp>

namespace procx::inline v1 {

/// What procx itself reports as an `error_code`; what the system reports stays in the system's category.
enum class errc {
  end_of_channel = 1,  ///< the other side has closed the channel: nothing more will come or be taken
  protocol_error,      ///< bytes arrived that are not a frame, or not a value of the type asked for
  value_too_large,     ///< a value does not fit into a frame of the size that was agreed
  foreign_process,     ///< the object belongs to another process: it was inherited by a fork
  no_executor,         ///< an asynchronous operation on an object that was made without an executor
  busy,                ///< an operation of this kind is already under way on the object
  process_died,        ///< the process ended before it had said all
  remote_exception,    ///< the callable threw in the other process
  task_timeout,        ///< the task took longer than it was given
  task_cancelled,      ///< the task was cancelled
  connection_error,    ///< nobody is to be met at the address, or not somebody who speaks this protocol
  start_failed,        ///< a process could not be started
  signature_mismatch,  ///< a function that is called by name has other parameters or another result than the caller says
  unknown_task,        ///< no function is registered under the name
  unknown_pipeline,    ///< no pipeline of the name runs in this program
};

/// The category of `errc`; `name()` is "procx".
boost::system::error_category const& procx_category() noexcept;

inline boost::system::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), procx_category()}; }

}  // namespace procx::inline v1

template <>
struct boost::system::is_error_code_enum<procx::errc> : std::true_type {};
