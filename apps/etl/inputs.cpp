#include "inputs.hpp"

#include "byte_reader.hpp"
#include "console/display.hpp"
#include "text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace etl {
namespace {

/// What is known of a file, with what it is now.
known_file updated(known_file known, first_look const& look) {
  known_file file = look.file;
  file.id = known.id;
  file.offset = known.offset;
  file.lines = known.lines;
  file.tail_size = known.tail_size;
  file.tail_hash = known.tail_hash;
  return file;
}

bool is_as_it_was(known_file const& known, known_file const& now) {
  return known.finished && now.inode != 0 && known.inode == now.inode && known.device == now.device && known.size == now.size &&
         known.modified == now.modified;
}

}  // namespace

inputs::inputs(std::vector<std::string> const& names, std::vector<known_file> const& known, std::uint64_t chunk_size, sayer say)
    : say_(std::move(say)) {
  for (std::string const& name : names) try {
      plan(name, known);
    } catch (std::system_error const& e) {
      ++unreadable_;
      say_(fmt::format("cannot read {}: {}", console::shown_path(name), e.code().message()));
    }
  for (first_look& look : looks_) {
    known_file const& file = files_[all_.size()];
    weight_ += look.size - (look.is_stream ? 0 : std::min(file.offset, look.size));
    weight_known_ = weight_known_ && look.size > 0;
    all_.push_back(make_input(std::move(look), file, all_.size(), chunk_size));
  }
  looks_.clear();
}

void inputs::plan(std::string const& name, std::vector<known_file> const& known) {
  if (name == "-" && std::ranges::any_of(files_, [](known_file const& f) { return f.name == "-"; })) return;
  first_look look = look_at(name);
  known_file file = look.file;
  if (known_file const* const before = find_known(known, look.file, look.head)) {
    known_file const with_place = updated(*before, look);
    if (is_as_it_was(*before, look.file) || (!look.is_stream && look.size <= before->offset)) {
      ++counted_before_;
      return;
    }
    if (look.is_stream || is_continued(with_place)) file = with_place;
  }
  if (is_double(look, file)) return;
  looks_.push_back(std::move(look));
  files_.push_back(std::move(file));
}

/// Of two that are one, the longer one is read.
bool inputs::is_double(first_look& look, known_file& file) {
  known_file const* same = find_known(files_, look.file, look.head);
  auto const by_id = std::ranges::find_if(files_, [&](known_file const& f) { return f.id != 0 && f.id == file.id; });
  if (by_id != files_.end()) same = &*by_id;
  if (!same) return false;
  auto const place = static_cast<std::size_t>(same - files_.data());
  if (!look.is_stream && !looks_[place].is_stream && look.size > looks_[place].size) {
    std::swap(look, looks_[place]);
    std::swap(file, files_[place]);
  }
  say_(fmt::format("{} is left out: it is the same log as {}", console::shown_path(look.file.name),
                   console::shown_path(files_[place].name)));
  return true;
}

std::optional<chunk> inputs::next() {
  while (true) {
    input* earliest = nullptr;
    std::size_t place = 0;
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (all_[i] && (!earliest || all_[i]->time() < earliest->time())) {
        earliest = all_[i].get();
        place = i;
      }
    if (!earliest) return std::nullopt;
    std::optional<chunk> next = earliest->take();
    if (!next || next->last) all_[place].reset();
    if (next) return next;
  }
}

}  // namespace etl
