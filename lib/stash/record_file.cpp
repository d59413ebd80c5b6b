#include "stash/record_file.hpp"

#include "stash/checksum.hpp"
#include "system/descriptor.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/stash/stash_error.hpp>
#include <procx/wire/archive.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr char magic[] = "procxrec";
constexpr std::size_t checksum_at = 8, fingerprint_at = 16, key_size_at = 24, value_size_at = 32, header_size = 40;
constexpr char unfinished[] = ".new-";

using header_bytes = std::array<std::byte, header_size>;

struct header {
  std::uint64_t checksum, fingerprint, key_size, value_size;
};

[[noreturn]] void fail(std::filesystem::path const& file, char const* what, int why = errno) {
  boost::system::error_code const code(why, boost::system::system_category());
  throw stash_error(code, file, what + (": " + code.message()));
}

descriptor open_file(std::filesystem::path const& file, int flags) {
  auto const held = hold_forks();
  int const fd = ::open(file.c_str(), flags | O_CLOEXEC, 0666);
  return fd < 0 ? descriptor() : descriptor::take(fd, "cannot open a file of a stash");
}

/// As many bytes as there are, up to the size of the span.
std::size_t read_up_to(descriptor const& in, std::span<std::byte> into, std::filesystem::path const& file) {
  std::size_t got = 0;
  while (got < into.size()) {
    ssize_t const n = ::read(in.get(), into.data() + got, into.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(file, "cannot be read");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

/// The header of a file, if it has one, with a fingerprint as given, and says how long the file is.
std::optional<header> sound_header(descriptor const& in, header_bytes& bytes, std::uint64_t fingerprint,
                                   std::filesystem::path const& file) {
  if (read_up_to(in, bytes, file) < header_size || std::memcmp(bytes.data(), magic, checksum_at) != 0) return std::nullopt;
  auto const number = [&](std::size_t at) { return load_little<std::uint64_t>(bytes.data() + at); };
  header const h{number(checksum_at), number(fingerprint_at), number(key_size_at), number(value_size_at)};
  struct stat info;
  if (::fstat(in.get(), &info) != 0) fail(file, "cannot be read");
  auto const rest = static_cast<std::uint64_t>(info.st_size) - header_size;
  if (h.fingerprint != fingerprint || h.key_size > rest || h.value_size != rest - h.key_size) return std::nullopt;
  return h;
}

/// Nobody else is going to make a file of this name: processes in other containers have the same ids.
std::string unfinished_name() {
  static std::atomic<std::uint64_t> counter = 0;
  std::uint64_t drawn = 0;
  if (::getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn) drawn = static_cast<std::uint64_t>(::getpid());
  return unfinished + std::to_string(drawn) + '-' + std::to_string(++counter);
}

void sync_folder(std::filesystem::path const& folder) {
  descriptor const in = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (!in || ::fsync(in.get()) != 0) fail(folder, "cannot be written to the disk");
}

/// Makes a file that is locked as long as it is being written, and its folders if need be.
descriptor create(std::filesystem::path const& file, durability how) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL;
  descriptor out = open_file(file, flags);
  if (!out && errno == ENOENT) {
    std::error_code why;
    std::filesystem::create_directories(file.parent_path(), why);
    if (why) fail(file.parent_path(), "cannot be made", why.value());
    if (how == durability::full) {
      sync_folder(file.parent_path().parent_path());
      sync_folder(file.parent_path().parent_path().parent_path());
    }
    out = open_file(file, flags);
  }
  if (!out) fail(file.parent_path(), "no file can be written there");
  ::flock(out.get(), LOCK_EX | LOCK_NB);
  return out;
}

/// Writes the file under its first name; false if somebody has taken it for one that was left behind.
bool write_once(std::filesystem::path const& file, std::span<std::byte const> bytes, durability how) {
  std::filesystem::path const beside = file.parent_path() / unfinished_name();
  descriptor const out = create(beside, how);
  int why = 0;
  while (!bytes.empty() && !why) {
    auto const r = write_to_file(out.get(), bytes);
    why = r.error.value();
    bytes = bytes.subspan(r.bytes);
  }
  if (!why && how == durability::full && ::fsync(out.get()) != 0) why = errno;
  if (!why && ::rename(beside.c_str(), file.c_str()) != 0) {
    if (errno == ENOENT) return false;
    why = errno;
  }
  if (why) {
    ::unlink(beside.c_str());
    fail(file, "cannot be written", why);
  }
  return true;
}

}  // namespace

std::vector<std::byte> record_bytes(std::uint64_t fingerprint, std::string const& key, std::span<std::byte const> value) {
  std::vector<std::byte> all(header_size + key.size() + value.size());
  std::byte* const at = all.data();
  std::memcpy(at, magic, checksum_at);
  store_little(at + fingerprint_at, fingerprint);
  store_little(at + key_size_at, std::uint64_t{key.size()});
  store_little(at + value_size_at, std::uint64_t{value.size()});
  if (!key.empty()) std::memcpy(at + header_size, key.data(), key.size());
  if (!value.empty()) std::memcpy(at + header_size + key.size(), value.data(), value.size());
  store_little(at + checksum_at, checksum_of(std::span<std::byte const>(all).subspan(fingerprint_at)));
  return all;
}

byte_store::found read_record(std::filesystem::path const& file, std::uint64_t fingerprint, std::string const& key,
                              std::vector<std::byte>& value) {
  descriptor const in = open_file(file, O_RDONLY);
  if (!in && (errno == ENOENT || errno == ENOTDIR)) return byte_store::found::nothing;
  if (!in) fail(file, "cannot be read");
  header_bytes start;
  auto const h = sound_header(in, start, fingerprint, file);
  if (!h || h->key_size != key.size()) return byte_store::found::damaged;

  std::vector<std::byte> all(header_size + key.size() + static_cast<std::size_t>(h->value_size));
  std::memcpy(all.data(), start.data(), header_size);
  std::size_t const got = read_up_to(in, std::span(all).subspan(header_size), file);
  std::span<std::byte const> const whole(all);
  if (got != all.size() - header_size || checksum_of(whole.subspan(fingerprint_at)) != h->checksum ||
      std::memcmp(all.data() + header_size, key.data(), key.size()) != 0)
    return byte_store::found::damaged;
  value.assign(all.begin() + static_cast<std::ptrdiff_t>(header_size + key.size()), all.end());
  return byte_store::found::record;
}

std::optional<std::string> key_in_record(std::filesystem::path const& file, std::uint64_t fingerprint) {
  descriptor const in = open_file(file, O_RDONLY);
  if (!in && errno == ENOENT) return std::nullopt;
  if (!in) fail(file, "cannot be read");
  header_bytes start;
  auto const h = sound_header(in, start, fingerprint, file);
  if (!h) return std::nullopt;
  std::string key(static_cast<std::size_t>(h->key_size), '\0');
  if (read_up_to(in, std::as_writable_bytes(std::span(key)), file) != key.size()) return std::nullopt;
  return key;
}

void write_beside_and_rename(std::filesystem::path const& file, std::span<std::byte const> bytes, durability how) {
  while (!write_once(file, bytes, how)) {}
  if (how == durability::full) sync_folder(file.parent_path());
}

bool is_unfinished(std::filesystem::path const& file) { return file.filename().string().starts_with(unfinished); }

void remove_unfinished(std::filesystem::path const& file) noexcept {
  descriptor const in = open_file(file, O_RDONLY);
  // Its writer has a lock on it for as long as he lives. Who has not come to lock it yet writes it once more.
  if (in && ::flock(in.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(file.c_str());
}

}  // namespace procx::inline v1::detail
