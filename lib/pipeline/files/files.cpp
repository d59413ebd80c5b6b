#include <procx/pipeline/files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

namespace procx::inline v1 {
namespace {

boost::system::error_code last_error(int why = errno) { return {why, boost::system::system_category()}; }

struct close_directory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

using identity = std::pair<std::uint64_t, std::uint64_t>;  // device and inode
identity identity_of(struct stat const& s) { return {s.st_dev, s.st_ino}; }

std::string joined(std::string const& directory, std::string_view name) {
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
}

/// What there is nothing for.
bool is_gone(int error) { return error == ENOENT || error == ENOTDIR; }

}  // namespace

class walk::walker {
 public:
  walker(std::filesystem::path const& directory, walk_options options) : options_(std::move(options)), root_(directory) {}

  bool next(std::string& into) {
    for (;;) try {
        if (!begun_) {
          begun_ = true;
          enter(root_, true);
        }
        if (levels_.empty()) return false;
        level& l = levels_.back();
        if (l.at == l.names.size()) {
          levels_.pop_back();
          continue;
        }
        into = joined(l.path, l.names[l.at++]);
        if (is_file(into)) return true;
      } catch (file_error const& problem) {
        if (!options_.on_problem) throw;
        options_.on_problem(problem);
      }
  }

 private:
  struct level {
    std::string path;
    std::vector<std::string> names;  // sorted
    std::size_t at = 0;
  };

  /// Goes into it if it is a directory.
  bool is_file(std::string const& path) {
    struct stat s {};
    if (::lstat(path.c_str(), &s) != 0) return is_gone(errno) ? false : fail(path);
    if (S_ISDIR(s.st_mode)) return enter(path, false), false;
    if (!S_ISLNK(s.st_mode)) return S_ISREG(s.st_mode);
    if (::stat(path.c_str(), &s) != 0) return is_gone(errno) || errno == ELOOP ? false : fail(path);
    if (S_ISDIR(s.st_mode) && options_.follow_links) enter(path, true);
    return S_ISREG(s.st_mode);
  }
  void enter(std::string const& path, bool may_be_link) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (may_be_link ? 0 : O_NOFOLLOW));
    if (fd < 0 && levels_.empty()) fail(path);
    if (fd < 0) return is_gone(errno) || errno == ELOOP ? void() : static_cast<void>(fail(path));
    directory_stream const stream(::fdopendir(fd));
    struct stat s {};
    if (::fstat(fd, &s) != 0) fail(path);
    if (options_.follow_links && !seen_.insert(identity_of(s)).second) return;
    level l{path, {}};
    for (errno = 0; dirent const* const entry = ::readdir(stream.get()); errno = 0)
      if (std::string_view const name = entry->d_name; name != "." && name != "..") l.names.emplace_back(name);
    if (errno != 0) fail(path);
    std::ranges::sort(l.names);
    levels_.push_back(std::move(l));
  }
  [[noreturn]] static bool fail(std::string const& path) {
    auto const why = last_error();
    throw file_error(why, path, "cannot be read: " + why.message());
  }

  walk_options const options_;
  std::string const root_;
  bool begun_ = false;
  std::vector<level> levels_;
  std::set<identity> seen_;  // directories, if links are followed
};

walk::walk(std::filesystem::path const& directory, walk_options options)
    : walker_(std::make_unique<walker>(directory, std::move(options))) {}
walk::walk(walk&&) noexcept = default;
walk& walk::operator=(walk&&) noexcept = default;
walk::~walk() = default;

bool walk::draw(std::string& into) { return walker_->next(into); }

std::vector<std::string> files(std::vector<std::string> const& names, walk_options const& options) {
  std::set<std::string> all;
  auto const add = [&](std::string const& path, bool is_directory) {
    if (!is_directory) return static_cast<void>(all.insert(path));
    for (std::string const& file : walk(path, options)) all.insert(file);
  };
  for (std::string const& name : names) {
    struct stat s {};
    if (::stat(name.c_str(), &s) == 0) {
      add(name, S_ISDIR(s.st_mode));
      continue;
    }
    auto const why = last_error();
    if (!is_gone(why.value())) throw file_error(why, name, "cannot be read: " + why.message());
    glob_t found{};
    int const code = ::glob(name.c_str(), GLOB_NOSORT | GLOB_BRACE | GLOB_MARK, nullptr, &found);
    std::vector<std::string> const paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (code == GLOB_NOSPACE) throw std::bad_alloc();
    if (code != 0) throw file_error(why, name, "there is no such file, and none of which this is a pattern");
    for (std::string const& path : paths) add(path, path.ends_with('/'));
  }
  return {all.begin(), all.end()};
}

}  // namespace procx::inline v1
