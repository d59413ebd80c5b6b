#include "json.hpp"

#include "clean_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace etl {

void json_writer::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

json_writer& json_writer::open(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
  return *this;
}

json_writer& json_writer::close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

void json_writer::quote(std::string_view raw) {
  std::string clean;
  append_clean(clean, raw, raw.size() * 4 + 4);
  text_ += '"';
  for (char const c : clean) {
    if (c == '"' || c == '\\')
      (text_ += '\\') += c;
    else if (c == '<' || c == '>' || c == '&')
      fmt::format_to(std::back_inserter(text_), "\\u{:04x}", static_cast<unsigned>(c));
    else
      text_ += c;
  }
  text_ += '"';
}

json_writer& json_writer::name(std::string_view name) {
  separate();
  quote(name);
  text_ += ':';
  first_ = true;
  return *this;
}

json_writer& json_writer::value(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

json_writer& json_writer::value(std::int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", number);
  return *this;
}

json_writer& json_writer::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", number);
  return *this;
}

json_writer& json_writer::null() {
  separate();
  text_ += "null";
  return *this;
}

}  // namespace etl
