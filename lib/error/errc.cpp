#include <procx/error/errc.hpp>

#include <string>

namespace procx::inline v1 {
namespace {

class category final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "procx"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::end_of_channel: return "the channel is closed at the other end";
      case errc::protocol_error: return "the bytes received make no sense";
      case errc::value_too_large: return "the value is larger than a frame may be";
      case errc::foreign_process: return "the object belongs to another process";
      case errc::no_executor: return "the object has no executor to run asynchronous operations on";
      case errc::busy: return "an operation of this kind is under way already";
      case errc::process_died: return "the process died";
      case errc::remote_exception: return "an exception was thrown in the other process";
      case errc::task_timeout: return "the task took too long";
      case errc::task_cancelled: return "the task was cancelled";
      case errc::connection_error: return "nobody to connect to";
      case errc::start_failed: return "a process could not be started";
      case errc::signature_mismatch: return "the function has another signature";
      case errc::unknown_task: return "no function is registered under the name";
      case errc::unknown_pipeline: return "no pipeline of the name runs in this program";
    }
    return "unknown procx error " + std::to_string(value);
  }
};

}  // namespace

boost::system::error_category const& procx_category() noexcept {
  static category const instance;
  return instance;
}

}  // namespace procx::inline v1
