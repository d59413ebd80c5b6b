#include <procx/error/describe.hpp>

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>

#include <utility>

namespace procx::inline v1 {
namespace {

std::string with_end(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

/// At the end of one string, so that each text is copied once, however deep it lies.
void add_with_trace(std::string& text, exception_record const& record) {
  text += record.type_name.empty() ? "an exception of unknown type" : record.type_name;
  if (!record.message.empty()) text.append(": ").append(record.message);
  if (text.back() != '\n') text += '\n';
  if (!record.frames.empty()) text += to_string(record.frames);
  for (exception_record const& inner : record.nested) add_with_trace(text += "nested in it: ", inner);
}

std::string with_trace(exception_record const& record) {
  std::string text;
  add_with_trace(text, record);
  return text;
}

std::string with_certificate(task_error const& error) {
  if (!error.certificate()) return with_end(error.what());
  bool const says_no_more = dynamic_cast<process_died const*>(&error) != nullptr;
  return (says_no_more ? std::string() : with_end(error.what())) + to_string(*error.certificate());
}

}  // namespace

std::string describe(std::exception const& error) {
  auto const* const failed = dynamic_cast<task_error const*>(&error);
  if (!failed) return with_end(error.what());
  auto const* const remote = dynamic_cast<remote_exception const*>(failed);
  std::string text = remote ? with_trace(remote->record()) : with_certificate(*failed);
  std::string const& why = failed->not_saved_because();
  if (!why.empty() && text.find(why) == text.npos) text += "its arguments could not be saved: " + with_end(why);
  if (!failed->saved_as().empty()) text += "its arguments are in " + failed->saved_as() + '\n';
  return text;
}

std::string describe(std::exception_ptr const& error) {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& e) {
    return describe(e);
  } catch (...) {
    return with_end(message_of(error));
  }
}

}  // namespace procx::inline v1
