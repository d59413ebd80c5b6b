#include <procx/error/exception_record.hpp>

#include "error/throw_trace.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/core/demangle.hpp>
#include <boost/stacktrace/frame.hpp>

#include <sstream>
#include <string_view>
#include <utility>

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

/// Its beginning, of so many bytes at most; no character is cut in two.
std::string beginning(std::string const& utf8, std::size_t bytes) {
  if (utf8.size() <= bytes) return utf8;
  auto const goes_on = [&](std::size_t i) { return (static_cast<unsigned char>(utf8[i]) & 0xc0) == 0x80; };
  while (bytes > 0 && goes_on(bytes)) --bytes;
  return utf8.substr(0, bytes);
}

/// The languages' own libraries: what happens in there is nobody's code.
bool is_of_the_language(std::string const& module) {
  auto const name = std::string_view(module).substr(module.rfind('/') + 1);
  return name.starts_with("libc.") || name.starts_with("libstdc++.") || name.starts_with("libc++");
}

/// Whether a function's qualified name, template arguments and parameters aside, begins so.
bool is_of(std::string const& function, std::string_view prefix) {
  std::string_view const head = std::string_view(function).substr(0, function.find('<'));
  auto const at = head.find(prefix);
  return at == 0 || (at != std::string_view::npos && head[at - 1] == ' ');
}

}  // namespace

void detail::refuse_record() { throw protocol_error("an exception arrived that is nested in a way that cannot be"); }

exception_record describe_exception(std::exception_ptr const& e) { return describe(e, 0); }

exception_record shortened(exception_record const& whole, std::size_t bytes) {
  constexpr std::size_t lengths = 48;  // what an empty record takes, at most
  std::size_t const room = bytes > lengths ? bytes - lengths : 0;
  exception_record part;
  part.type_name = beginning(whole.type_name, room);
  part.message = beginning(whole.message, room - part.type_name.size());
  return part;
}

std::string to_string(std::vector<code_location> const& frames) {
  std::ostringstream out;
  std::string passing_on;  // frames of std::invoke and the like: shown only if somebody's own code follows
  bool any_own = false;  // somebody's own code is shown
  for (std::size_t i = 0; i < frames.size(); ++i) {
    void const* const address = detail::address_of(frames[i]);
    // A frame is where its call returns to; the call itself, and with it the right function and line, is before that.
    boost::stacktrace::frame const frame(address ? static_cast<char const*>(address) - 1 : nullptr);
    std::string const name = address ? frame.name() : std::string();
    // From here on it is how the callable came to be called; unless the callable itself is a part of what calls it, since
    // the compiler has put it in there: then this frame is all there is.
    bool const calls_it = is_of(name, "procx::v1::detail::");
    if (calls_it && any_own) break;
    std::ostringstream line;
    line << '#' << i << ' ' << name << (name.empty() ? "" : " in ");
    if (std::size_t const number = address ? frame.source_line() : 0)
      line << frame.source_file() << ':' << number << '\n';
    else
      line << frames[i].module << "+0x" << std::hex << frames[i].offset << '\n';
    passing_on += line.str();
    if (is_of(name, "std::__invoke") || is_of(name, "std::invoke") || is_of(name, "std::apply")) continue;
    out << std::exchange(passing_on, {});
    any_own = any_own || !is_of_the_language(frames[i].module);
    if (calls_it) break;
  }
  return out.str();
}

}  // namespace procx::inline v1
