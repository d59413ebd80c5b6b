#include "fts5_format.hpp"

#include <stdexcept>

namespace indexer::fts5 {
namespace {

/// SQLite's variable-length integers: seven bits a byte, the highest first; a ninth byte carries eight.
std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 9 && i < bytes.size(); ++i) {
    auto const byte = static_cast<unsigned char>(bytes[i]);
    bool const last = i == 8 || byte < 0x80;
    value = i == 8 ? value << 8 | byte : value << 7 | (byte & 0x7f);
    if (last) return bytes.remove_prefix(i + 1), value;
  }
  throw std::runtime_error("the full-text table is damaged: a number is cut off");
}

void put_varint(std::string& out, std::uint64_t value) {
  if (value >> 56) {
    for (int shift = 57; shift >= 8; shift -= 7) out += static_cast<char>((value >> shift & 0x7f) | 0x80);
    out += static_cast<char>(value & 0xff);
    return;
  }
  int shift = 0;
  while (value >> (shift + 7)) shift += 7;
  for (; shift > 0; shift -= 7) out += static_cast<char>((value >> shift & 0x7f) | 0x80);
  out += static_cast<char>(value & 0x7f);
}

}  // namespace

structure decode_structure(std::string_view record) {
  structure result;
  if (record.size() < 4) throw std::runtime_error("the full-text table is damaged: no structure");
  result.cookie = record.substr(0, 4);
  record.remove_prefix(4);
  std::uint64_t const levels = take_varint(record);
  std::uint64_t const total = take_varint(record);
  result.writes = take_varint(record);
  for (std::uint64_t level = 0; level < levels; ++level) {
    if (take_varint(record) != 0) throw std::runtime_error("the full-text table is in the middle of a merge");
    for (std::uint64_t n = take_varint(record); n > 0; --n) {
      segment next;
      next.id = static_cast<std::int64_t>(take_varint(record));
      next.first_page = static_cast<std::int64_t>(take_varint(record));
      next.last_page = static_cast<std::int64_t>(take_varint(record));
      result.segments.push_back(next);
    }
  }
  if (result.segments.size() != total) throw std::runtime_error("the full-text table is damaged: segments are missing");
  return result;
}

std::string encode(structure const& value) {
  std::string out = value.cookie;
  bool const any = !value.segments.empty();
  put_varint(out, any ? 1 : 0);
  put_varint(out, value.segments.size());
  put_varint(out, value.writes);
  if (!any) return out;
  put_varint(out, 0);
  put_varint(out, value.segments.size());
  for (segment const& s : value.segments)
    for (std::int64_t number : {s.id, s.first_page, s.last_page}) put_varint(out, static_cast<std::uint64_t>(number));
  return out;
}

averages decode_averages(std::string_view record) {
  averages result;
  if (record.empty()) return result;
  result.documents = take_varint(record);
  result.words = take_varint(record);
  return result;
}

std::string encode(averages const& value) {
  std::string out;
  put_varint(out, value.documents);
  put_varint(out, value.words);
  return out;
}

}  // namespace indexer::fts5
