#include <procx/error/exceptions.hpp>

#include <boost/asio/error.hpp>

#include <utility>

namespace procx::inline v1 {
namespace {

std::string sentence(exception_record const& record) {
  std::string text = record.type_name.empty() ? "an exception of unknown type" : record.type_name;
  if (!record.message.empty()) text += ": " + record.message;
  for (auto const& inner : record.nested) text += "; nested: " + sentence(inner);
  return text;
}

std::string obituary(pid_t pid, exit_status status, std::string const& stderr_tail) {
  std::string text = "process " + std::to_string(pid) + ' ' + status.to_string();
  if (status.success()) text += " before it had answered";
  if (!stderr_tail.empty()) text += "; its last words:\n" + stderr_tail;
  return text;
}

}  // namespace

error::error(boost::system::error_code code, std::string message)
    : system_error(code), message_(std::make_shared<std::string const>(std::move(message))) {}

end_of_channel::end_of_channel(std::string message) : error(errc::end_of_channel, std::move(message)) {}

connection_error::connection_error(std::string message, boost::system::error_code code)
    : error(code, std::move(message)) {}

protocol_error::protocol_error(std::string message, boost::system::error_code code)
    : error(code, std::move(message)) {}

remote_exception::remote_exception(exception_record record)
    : task_error(errc::remote_exception, sentence(record)),
      record_(std::make_shared<exception_record const>(std::move(record))) {}

std::string remote_exception::stack_trace() const {
  if (record_->frames.empty())
    return "(no stack trace: " +
           (record_->no_frames_because.empty() ? "none was taken" : record_->no_frames_because) + ")\n";
  return to_string(record_->frames);
}

process_died::process_died(pid_t pid, exit_status status, std::string stderr_tail)
    : task_error(errc::process_died, obituary(pid, status, stderr_tail)),
      pid_(pid),
      status_(status),
      stderr_tail_(std::make_shared<std::string const>(std::move(stderr_tail))) {}

task_timeout::task_timeout(std::string message) : task_error(errc::task_timeout, std::move(message)) {}

task_cancelled::task_cancelled(std::string message)
    : task_error(boost::asio::error::operation_aborted, std::move(message)) {}

}  // namespace procx::inline v1
