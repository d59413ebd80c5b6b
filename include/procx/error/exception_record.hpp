#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace procx::inline v1 {

/// A place in a program that means the same in every process which has the same file mapped.
struct code_location {
  std::string module;        ///< path of the program or shared library, empty if unknown
  std::uint64_t offset = 0;  ///< from where the module is mapped

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & module & offset;
  }
};

namespace detail {

/// What a record that arrives may have: a few more than are ever written, and more of them say no more.
inline constexpr std::size_t most_frames = 64;
inline constexpr unsigned deepest_record = 32;

/// Throws protocol_error.
[[noreturn]] void refuse_record();

}  // namespace detail

/// What is known of one exception after it has left its process.
struct exception_record {
  std::string type_name;              ///< dynamic type, demangled; empty if it has none
  std::string message;                ///< its `what()`
  std::vector<code_location> frames;  ///< where it was thrown, innermost first
  std::string no_frames_because;      ///< if there are none: why
  std::vector<exception_record> nested;  ///< what it was thrown with (`std::throw_with_nested`): none or one

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    serialize_at(archive, 1);
  }

 private:
  template <class Archive>
  void serialize_at(Archive& archive, unsigned level) {
    std::uint64_t inner = nested.size();
    archive & type_name & message & frames & no_frames_because & inner;
    if constexpr (Archive::is_loading::value) {
      if (inner > 1 || level > detail::deepest_record) detail::refuse_record();
      if (frames.size() > detail::most_frames) frames.resize(detail::most_frames);
      nested.resize(static_cast<std::size_t>(inner));
    }
    for (exception_record& one : nested) one.serialize_at(archive, level + 1);
  }
};

/// Describes the exception and those nested in it, with the frames of the last throw on this thread.
exception_record describe_exception(std::exception_ptr const& e);

/// The little of it that has room in so many bytes when encoded: its type and the beginning of its message.
exception_record shortened(exception_record const& whole, std::size_t bytes);

/// The frames as text, one a line: function, file and line where debug information tells, else module and offset.
std::string to_string(std::vector<code_location> const& frames);

}  // namespace procx::inline v1
