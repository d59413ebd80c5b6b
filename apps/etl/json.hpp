#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etl {

/// Writes JSON that may stand within HTML: what could end a script element or begin a tag is escaped, and texts are valid UTF-8
/// whatever they are given.
class json_writer {
 public:
  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }
  json_writer& name(std::string_view name);
  json_writer& value(std::string_view text);
  json_writer& value(char const* text) { return value(std::string_view(text)); }
  json_writer& value(std::int64_t number);
  json_writer& value(std::uint64_t number) { return value(static_cast<std::int64_t>(number)); }
  json_writer& value(double number);
  json_writer& null();

  template <class T>
  json_writer& member(std::string_view key, T const& what) {
    name(key);
    return value(what);
  }
  std::string const& text() const { return text_; }

 private:
  json_writer& open(char bracket);
  json_writer& close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string text_;
  bool first_ = true;
};

}  // namespace etl
