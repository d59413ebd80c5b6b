#include <procx/error/outcome.hpp>

namespace procx::inline v1 {

std::string message_of(std::exception_ptr const& error) {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace procx::inline v1
