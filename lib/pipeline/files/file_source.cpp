#include "pipeline/files/file_source.hpp"

#include <procx/dispatch/registered_task.hpp>

#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr int number_base = 16;

void append(std::string& text, std::uint64_t number) {
  std::array<char, 16> digits;
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, number_base).ptr;
  text.append(digits.data(), end).push_back(':');
}

/// In letters that every database takes as text.
std::string escaped(std::string const& path) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (char const c : path) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%')
      text += c;
    else
      text.append({'%', digits[byte >> 4], digits[byte & 0xf]});
  }
  return text;
}

/// Takes a number and the colon behind it from the front.
bool take(std::string_view& text, std::uint64_t& number) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, number_base);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

std::string absolute(std::string const& path) { return escaped(std::filesystem::absolute(path).lexically_normal().string()); }

bool is_same_inode(input_file::identity const& a, input_file::identity const& b) noexcept {
  if (a.inode != b.inode) return false;
  // The number of a device may be another one after the machine was started again.
  return a.born != 0 && b.born != 0 ? a.born == b.born : a.device == b.device;
}

bool has_beginning(file_source const& s, std::string_view head) noexcept {
  return s.head_size <= head.size() && name_hash(head.substr(0, s.head_size)) == s.head_hash;
}

/// What cannot be read begins as nothing; that is told of later.
bool begins_as(file_source const& s, std::string const& path) {
  try {
    return has_beginning(s, input_file(path).bytes_at(0, file_source::full_head));
  } catch (file_error const&) {
    return false;
  }
}

}  // namespace

file_source file_source::of(input_file const& file, std::string_view head) {
  return {file.who(), head.size(), name_hash(head), absolute(file.path())};
}

std::string file_source::text() const {
  std::string text(prefix);
  for (std::uint64_t const n : {who.device, who.inode, who.born, head_size, head_hash}) append(text, n);
  return text + path;
}

std::optional<file_source> file_source::parse(std::string_view text) {
  file_source s;
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  for (std::uint64_t* const n : {&s.who.device, &s.who.inode, &s.who.born, &s.head_size, &s.head_hash})
    if (!take(text, *n)) return std::nullopt;
  s.path = text;
  return s;
}

std::string compressed_end::source(std::string const& file, std::uint64_t compressed_size) {
  std::string text = "gzip:";
  append(text, compressed_size);
  return text + file;
}

cursor compressed_end::part(std::string const& file, std::uint64_t compressed_size, std::uint64_t length) {
  return {source(file, compressed_size), length, length + 1};
}

bool compressed_end::is_done(done_parts const& done, std::string const& file, std::uint64_t compressed_size) {
  auto const ends = done.ranges(source(file, compressed_size));
  if (ends.empty()) return false;
  std::uint64_t const length = ends.back().end - 1;
  return done.missing(file, 0, length).empty();
}

known_files::known_files(done_parts const& done, std::vector<std::string> const& paths) {
  for (std::string& text : done.sources(file_source::prefix)) {
    auto source = file_source::parse(text);
    if (!source) continue;
    by_inode_.emplace(source->who.inode, all_.size());
    if (source->head_size >= file_source::telling_head) by_path_.emplace(source->path, all_.size());
    if (source->head_size >= file_source::full_head) by_full_head_.emplace(source->head_hash, all_.size());
    all_.push_back({std::move(*source), std::move(text)});
  }
  if (all_.empty()) return;
  for (std::string const& path : paths) {
    auto const who = input_file::identity_of(path);
    for (auto [at, end] = by_inode_.equal_range(who.inode); at != end; ++at)
      if (known& k = all_[at->second]; is_same_inode(k.source.who, who)) k.at = path;
  }
  for (std::string const& path : paths) note_path(path);
}

/// If the file that has the path of a known one begins as that did, and that has no other path now.
void known_files::note_path(std::string const& path) {
  std::string const whole = absolute(path);
  for (auto [at, end] = by_path_.equal_range(whole); at != end; ++at) {
    known& k = all_[at->second];
    if (k.at == path || !begins_as(k.source, path) || !is_free(k)) continue;
    k.is_taken = true;
    same_path_.emplace(whole, at->second);
    return;
  }
}

/// A log that was copied and then emptied has its inode still, and other content.
bool known_files::is_free(known const& k) const { return !k.is_taken && (k.at.empty() || !begins_as(k.source, k.at)); }

known_files::known* known_files::with_inode(input_file::identity const& who, std::string_view head) {
  known* best = nullptr;
  for (auto [at, end] = by_inode_.equal_range(who.inode); at != end; ++at) {
    known& k = all_[at->second];
    if (is_same_inode(k.source.who, who) && has_beginning(k.source, head) && (!best || k.source.head_size > best->source.head_size)) best = &k;
  }
  return best;
}

std::string known_files::source_of(input_file const& file) {
  std::string const head = file.bytes_at(0, file_source::full_head);
  file_source const now = file_source::of(file, head);
  if (known const* const k = with_inode(now.who, head)) return k->text;
  if (auto const found = same_path_.find(now.path); found != same_path_.end()) return all_[found->second].text;
  if (now.head_size >= file_source::full_head)
    for (auto [at, end] = by_full_head_.equal_range(now.head_hash); at != end; ++at)
      if (known& k = all_[at->second]; is_free(k)) {
        k.is_taken = true;
        return k.text;
      }
  return now.text();
}

}  // namespace procx::inline v1::detail
