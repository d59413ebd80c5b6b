#include <procx/error/exceptions.hpp>

#include <boost/asio/error.hpp>

#include <utility>

namespace procx::inline v1 {
namespace {

/// Nothing. It is there before the static objects of this file and after them: others of their kind may throw and catch.
std::string const& nowhere() noexcept {
  static union holder {
    std::string text;
    holder() noexcept : text() {}
    ~holder() {}
  } const none;
  return none.text;
}

/// At the end of one string, so that each text is copied once, however deep it lies.
void add_sentence(std::string& text, exception_record const& record) {
  text += record.type_name.empty() ? "an exception of unknown type" : record.type_name;
  if (!record.message.empty()) text.append(": ").append(record.message);
  for (auto const& inner : record.nested) add_sentence(text += "; nested: ", inner);
}

std::string sentence(exception_record const& record) {
  std::string text;
  add_sentence(text, record);
  return text;
}

std::string obituary(death_certificate const& c) {
  std::string text = "process " + std::to_string(c.pid) + ' ' + c.status.to_string();
  if (c.status.success()) text += " before it had answered";
  if (c.cause == death_cause::memory_limit) text += ", because it used more memory than it may";
  if (c.cause == death_cause::out_of_memory) text += ", because the system ran out of memory";
  if (!c.stderr_tail.empty()) text += "; its last words:\n" + c.stderr_tail;
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

task_error::task_error(boost::system::error_code code, std::string message, death_certificate&& certificate)
    : error(code, std::move(message)), certificate_(std::make_shared<death_certificate const>(std::move(certificate))) {}

std::string const& task_error::saved_as() const noexcept {
  return saved_as_ ? *saved_as_ : nowhere();
}

std::string const& task_error::not_saved_because() const noexcept {
  return not_saved_because_ ? *not_saved_because_ : nowhere();
}

void task_error::set_not_saved(std::string why) {
  add_to_message("; its arguments could not be saved: " + why);
  not_saved_because_ = std::make_shared<std::string const>(std::move(why));
}

process_died::process_died(death_certificate certificate)
    : task_error(errc::process_died, obituary(certificate), std::move(certificate)) {}

process_died::process_died(pid_t pid, exit_status status, std::string stderr_tail)
    : process_died(death_certificate{.pid = pid, .status = status, .stderr_tail = std::move(stderr_tail)}) {}

task_timeout::task_timeout(std::string message) : task_error(errc::task_timeout, std::move(message)) {}

task_timeout::task_timeout(death_certificate certificate)
    : task_error(errc::task_timeout, "the task took too long", std::move(certificate)) {}

task_cancelled::task_cancelled(std::string message)
    : task_error(boost::asio::error::operation_aborted, std::move(message)) {}

task_cancelled::task_cancelled(death_certificate certificate)
    : task_error(boost::asio::error::operation_aborted, "the task was cancelled", std::move(certificate)) {}

}  // namespace procx::inline v1
