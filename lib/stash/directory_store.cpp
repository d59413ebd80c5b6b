#include <procx/stash/directory_stash.hpp>

#include "stash/key_name.hpp"
#include "stash/record_file.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <system_error>

namespace procx::inline v1 {
namespace {

namespace fs = std::filesystem;
using namespace detail;

constexpr char marker_name[] = "procx-stash";
constexpr std::array extensions{".value", ".failure", ".mark"};
constexpr char const* extension_of(record_kind kind) { return extensions[static_cast<std::size_t>(kind)]; }

[[noreturn]] void fail(fs::path const& file, char const* what, std::error_code const& why) {
  throw stash_error(why, file, what + (": " + why.message()));
}

std::string marker_for(std::uint64_t fingerprint) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "procx stash 1 %016llx\n", static_cast<unsigned long long>(fingerprint));
  return text.data();
}

class directory_store final : public byte_store {
 public:
  directory_store(fs::path const& root, std::uint64_t fingerprint, durability how)
      : root_(fs::absolute(root)), fingerprint_(fingerprint), how_(how) {
    std::error_code why;
    fs::create_directories(root_, why);
    if (why) fail(root_, "cannot be made", why);
    if (!has_marker()) make_marker();
  }

  found get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) override {
    return read_record(file_of(kind, key), fingerprint_of(kind), key, bytes);
  }
  void put(std::span<record const> records) override {
    for (record const& one : records) {
      write_beside_and_rename(file_of(one.kind, one.key), record_bytes(fingerprint_of(one.kind), one.key, one.bytes), how_);
      if (one.kind == record_kind::value) remove(file_of(record_kind::failure, one.key));
    }
  }
  bool erase(record_kind kind, std::string const& key) override {
    bool const was_there = exists(kind, key);
    return remove(file_of(kind, key)) && was_there;
  }
  bool exists(record_kind kind, std::string const& key) override {
    std::vector<std::byte> bytes;
    return get(kind, key, bytes) == found::record;
  }
  std::vector<std::string> keys(record_kind kind) override {
    std::vector<std::string> all;
    for_each_file([&](fs::path const& file) {
      if (file.extension() != extension_of(kind)) return;
      if (auto key = key_in_record(file, fingerprint_of(kind))) all.push_back(std::move(*key));
    });
    return all;
  }
  std::size_t count(record_kind kind) override { return keys(kind).size(); }
  void clear() override {
    for_each_file([&](fs::path const& file) {
      for (char const* extension : extensions)
        if (file.extension() == extension) remove(file);
    });
  }

 private:
  /// Whether the directory is a stash of these values. Throws if it is one of others.
  bool has_marker() const {
    fs::path const file = root_ / marker_name;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      std::error_code why;
      if (!fs::exists(file, why) && !why) return false;
      fail(file, "cannot be read", why ? why : std::make_error_code(std::errc::permission_denied));
    }
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    std::string const wanted = marker_for(fingerprint_);
    if (text == wanted) return true;
    if (text.size() == wanted.size() && text.starts_with("procx stash 1 "))
      throw stash_error(errc::signature_mismatch, root_, "the stash holds values of another type");
    throw stash_error(errc::protocol_error, file, "is not what a stash of this version has there");
  }

  void make_marker() const {
    std::error_code why;
    for (fs::directory_iterator at(root_, why), end; !why && at != end; at.increment(why))
      if (!is_unfinished(at->path()) && !has_marker())
        throw stash_error(errc::protocol_error, root_, "is a directory of other files, and no stash: it is left as it is");
    if (why) fail(root_, "cannot be read", why);
    std::string const text = marker_for(fingerprint_);
    write_beside_and_rename(root_ / marker_name, std::as_bytes(std::span(text)), durability::full);
  }

  /// Failures and marks are of the same type in every stash.
  std::uint64_t fingerprint_of(record_kind kind) const {
    return kind == record_kind::value ? fingerprint_ : static_cast<std::uint64_t>(kind);
  }
  fs::path file_of(record_kind kind, std::string const& key) const {
    return root_ / folder_for_key(key) / (name_for_key(key) + extension_of(kind));
  }

  /// Returns whether it was there.
  static bool remove(fs::path const& file) {
    std::error_code why;
    bool const was_there = fs::remove(file, why);
    if (why && why != std::errc::no_such_file_or_directory && why != std::errc::not_a_directory)
      fail(file, "cannot be removed", why);
    return was_there;
  }

  /// All files of records; those that somebody left behind unfinished are removed by the way.
  template <class Use>
  void for_each_file(Use const& use) const {
    constexpr std::string_view digits = "0123456789abcdef";
    for (char const first : digits)
      for (char const second : digits) {
        fs::path const folder = root_ / std::string(1, first) / std::string(1, second);
        std::error_code why;
        for (fs::directory_iterator at(folder, why), end; !why && at != end; at.increment(why)) {
          if (is_unfinished(at->path()))
            remove_unfinished(at->path());
          else
            use(at->path());
        }
        if (why && why != std::errc::no_such_file_or_directory) fail(folder, "cannot be read", why);
      }
  }

  fs::path root_;
  std::uint64_t fingerprint_;
  durability how_;
};

}  // namespace

std::unique_ptr<byte_store> make_directory_store(std::filesystem::path const& directory, std::uint64_t fingerprint,
                                                 durability how) {
  return std::make_unique<directory_store>(directory, fingerprint, how);
}

}  // namespace procx::inline v1
