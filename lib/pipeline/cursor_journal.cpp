#include "pipeline/cursor_journal.hpp"

#include "pipeline/output_file.hpp"

#include <procx/dispatch/registered_task.hpp>
#include <procx/pipeline/destination.hpp>
#include <procx/wire/portable.hpp>
#include <procx/wire/standard_codecs.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <span>
#include <thread>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::string_view magic = "procx cursors 1\n";
constexpr std::size_t size_at = 0, checksum_at = 8, head_size = 16;  // of a record
constexpr std::uint64_t short_enough = 1 << 20;

std::span<std::byte const> bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }
std::uint64_t checksum_of(std::span<std::byte const> bytes) noexcept {
  return name_hash({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
}

std::vector<std::byte> encoded(cursor_journal::record const& r) {
  std::vector<std::byte> const content = encode_portable(r);
  std::vector<std::byte> all(head_size + content.size());
  store_little(all.data() + size_at, std::uint64_t{content.size()});
  store_little(all.data() + checksum_at, checksum_of(content));
  std::ranges::copy(content, all.begin() + head_size);
  return all;
}

/// The content of the record that these bytes begin with; nothing if it is not whole.
std::span<std::byte const> content_of(std::span<std::byte const> bytes) noexcept {
  if (bytes.size() < head_size) return {};
  auto const size = load_little<std::uint64_t>(bytes.data() + size_at);
  auto const checksum = load_little<std::uint64_t>(bytes.data() + checksum_at);
  bytes = bytes.subspan(head_size);
  if (size > bytes.size() || checksum_of(bytes.first(static_cast<std::size_t>(size))) != checksum) return {};
  return bytes.first(static_cast<std::size_t>(size));
}

std::vector<std::byte> read_all(descriptor const& file, std::string const& path) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size_of(file, path)));
  for (std::size_t got = 0; got < bytes.size();) {
    ssize_t const n = ::pread(file.get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw destination_error({errno, boost::system::system_category()}, path, std::string("cannot be read: ") + std::strerror(errno));
    if (n == 0) bytes.resize(got);
    got += static_cast<std::size_t>(n);
  }
  return bytes;
}

/// Whether the file still has its name: a shorter journal may have been put in its place.
bool has_its_name(descriptor const& file, std::string const& path) noexcept {
  struct stat open {
  }, named{};
  return ::fstat(file.get(), &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

cursor_journal::cursor_journal(std::string path, std::chrono::milliseconds patience) : path_(std::move(path)) {
  open(patience);
  load(std::numeric_limits<std::uint64_t>::max());
}

void cursor_journal::open(std::chrono::milliseconds patience) {
  auto const until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    file_ = open_output(path_);
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
      if (has_its_name(file_, path_)) return;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      throw_not_written(path_, errno);
    } else if (std::chrono::steady_clock::now() >= until) {
      throw destination_error(errc::busy, path_, "another program has it open, for longer than " + std::to_string(patience.count()) + " ms");
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

void cursor_journal::load(std::uint64_t longest) {
  std::vector<std::byte> const all = read_all(file_, path_);
  std::span<std::byte const> rest(all);
  auto const begins = std::min(rest.size(), magic.size());
  if (!std::ranges::equal(rest.first(begins), bytes_of(magic).first(begins)))
    throw destination_error(errc::protocol_error, path_, "is no journal of procx, and is left as it is");
  if (begins < magic.size()) write_at(file_, 0, bytes_of(magic), path_);
  rest = rest.subspan(begins);
  end_ = magic.size();
  records_ = length_ = 0;
  done_.clear();
  for (auto content = content_of(rest); !content.empty(); content = content_of(rest)) {
    auto const r = decode_portable<record>(content);
    if (r.length > longest) break;
    apply(r);
    rest = rest.subspan(head_size + content.size());
    end_ += head_size + content.size();
  }
  if (!rest.empty()) cut(file_, end_, path_);
}

void cursor_journal::apply(record const& r) {
  for (done_parts::change const& c : r.changes) {
    auto& ranges = done_[c.source];
    for (std::uint64_t const begin : c.removed) ranges.erase(begin);
    for (done_parts::range const& added : c.added) ranges[added.begin] = added.end;
  }
  length_ = r.length;
  ++records_;
}

done_parts cursor_journal::done() const {
  done_parts all;
  for (auto const& [source, ranges] : done_)
    for (auto const& [begin, end] : ranges) all.add({source, begin, end});
  return all;
}

bool cursor_journal::go_back(std::uint64_t length) {
  load(length);
  return !empty();
}

void cursor_journal::append(record const& r, bool durable) {
  auto const bytes = encoded(r);
  write_at(file_, end_, bytes, path_);
  if (durable) sync(file_, path_);
  apply(r);
  end_ += bytes.size();
}

bool cursor_journal::is_long() const noexcept { return records_ > 1 && end_ > std::max(short_enough, 4 * compact_size_); }

void cursor_journal::compact() {
  record all{length_, {}};
  for (auto const& [source, ranges] : done_) {
    done_parts::change& c = all.changes.emplace_back(done_parts::change{source});
    for (auto const& [begin, end] : ranges) c.added.push_back({begin, end});
  }
  auto const bytes = encoded(all);
  std::string const beside = path_ + ".new";
  descriptor fresh = open_output(beside, O_TRUNC);
  // Whoever opens it by its name finds it locked.
  if (::flock(fresh.get(), LOCK_EX | LOCK_NB) != 0) throw_not_written(beside, errno);
  write_at(fresh, 0, bytes_of(magic), beside);
  write_at(fresh, magic.size(), bytes, beside);
  sync(fresh, beside);
  if (::rename(beside.c_str(), path_.c_str()) != 0) throw_not_written(path_, errno);
  file_ = std::move(fresh);
  end_ = compact_size_ = magic.size() + bytes.size();
  records_ = 1;
}

}  // namespace procx::inline v1::detail
