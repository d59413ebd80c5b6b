#include <procx/error/exception_record.hpp>

#include "error/throw_trace.hpp"

#include <boost/core/demangle.hpp>
#include <boost/stacktrace/frame.hpp>

#include <sstream>

#include <cxxabi.h>

namespace procx::inline v1 {
namespace {

constexpr int nesting_limit = 16;  // a chain that is longer says no more

exception_record describe(std::exception_ptr const& e, int depth) {
  exception_record record;
  std::exception_ptr inner;
  try {
    std::rethrow_exception(e);
  } catch (std::exception const& x) {
    record.message = x.what();
    record.type_name = boost::core::demangle(typeid(x).name());
    try {
      std::rethrow_if_nested(x);
    } catch (...) {
      inner = std::current_exception();
    }
  } catch (std::string const& text) {
    record.message = text;
    record.type_name = "std::string";
  } catch (char const* text) {
    record.message = text ? text : "";
    record.type_name = "char const*";
  } catch (...) {
    if (auto const* type = abi::__cxa_current_exception_type()) record.type_name = boost::core::demangle(type->name());
  }
  record.frames = detail::thrown_at(e);
  if (record.frames.empty()) record.no_frames_because = detail::no_trace_because();
  if (inner && depth < nesting_limit) record.nested.push_back(describe(inner, depth + 1));
  return record;
}

}  // namespace

exception_record describe_exception(std::exception_ptr const& e) { return describe(e, 0); }

std::string to_string(std::vector<code_location> const& frames) {
  std::ostringstream out;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    out << '#' << i << ' ';
    void const* const address = detail::address_of(frames[i]);
    boost::stacktrace::frame const frame(address);
    std::string const name = address ? frame.name() : std::string();
    std::size_t const line = address ? frame.source_line() : 0;
    if (!name.empty()) out << name << " in ";
    if (line)
      out << frame.source_file() << ':' << line;
    else
      out << frames[i].module << "+0x" << std::hex << frames[i].offset << std::dec;
    out << '\n';
  }
  return out.str();
}

}  // namespace procx::inline v1
