#include "walk.hpp"

#include "console.hpp"

#include <procx/procx.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace px = procx;

namespace indexer {
namespace {

struct close_directory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

/// O_NOFOLLOW: a directory that has become a link since it was listed is not entered.
directory_stream open_directory(std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  return directory_stream(fd < 0 ? nullptr : ::fdopendir(fd));
}

class lister {
 public:
  explicit lister(std::vector<std::string> directories) {
    result_.pending = std::move(directories);
  }

  listing run(std::size_t limit) {
    auto& pending = result_.pending;
    std::size_t next = 0;
    while (next < pending.size() && result_.files.size() < limit) {
      std::string const directory = std::move(pending[next++]);
      list(directory);
    }
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(next));
    return std::move(result_);
  }

 private:
  void list(std::string const& directory) {
    directory_stream const stream = open_directory(directory);
    if (!stream) return closed(directory, errno);
    std::string const prefix = directory == "/" ? directory : directory + '/';
    int error = 0;
    for (;;) {
      errno = 0;
      dirent const* const entry = ::readdir(stream.get());
      if (!entry) break;
      if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
      if (!take(*entry, ::dirfd(stream.get()), prefix) && errno != ENOENT) error = errno;
    }
    if (errno != 0) error = errno;
    if (error != 0) closed(directory, error);
  }

  /// False, with errno, if it cannot be told what the entry is.
  bool take(dirent const& entry, int directory, std::string const& prefix) {
    auto kind = entry.d_type;
    struct stat status = {};
    if (kind != DT_DIR && kind != DT_LNK) {
      if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
      kind = IFTODT(status.st_mode);
    }
    if (kind == DT_DIR)
      result_.pending.push_back(prefix + entry.d_name);
    else if (kind == DT_LNK)
      ++result_.links;
    else if (kind != DT_REG)
      ++result_.special;
    else
      result_.files.push_back({prefix + entry.d_name, stamp::of(status), {}});
    return true;
  }

  void closed(std::string const& directory, int error) {
    bool const gone = error == ENOENT || error == ENOTDIR || error == ELOOP;
    if (!gone) result_.files.push_back({directory, {}, std::strerror(error)});
  }

  listing result_;
};

/// Puts listings together. What there are many of is moved once only.
class collector {
 public:
  void add(listing more) {
    std::ranges::move(more.pending, std::back_inserter(pending_));
    links_ += more.links;
    special_ += more.special;
    size_ += more.files.size();
    files_.push_back(std::move(more.files));
  }

  std::size_t size() const { return size_; }
  bool complete() const { return pending_.empty(); }
  std::vector<std::string> take_pending() { return std::exchange(pending_, {}); }

  /// The files in the order of their paths; nothing is left here.
  listing take() {
    std::vector<found_file*> order;
    order.reserve(size_);
    for (std::vector<found_file>& some : files_)
      for (found_file& f : some) order.push_back(&f);
    std::ranges::sort(order, {}, [](found_file const* f) -> std::string const& { return f->path; });
    listing result{{}, take_pending(), links_, special_};
    result.files.reserve(size_);
    for (found_file* f : order) result.files.push_back(std::move(*f));
    return result;
  }

 private:
  std::vector<std::vector<found_file>> files_;
  std::vector<std::string> pending_;
  std::size_t size_ = 0;
  std::int64_t links_ = 0, special_ = 0;
};

std::string canonical_root(std::string const& directory) {
  std::string real = real_path(directory);
  if (real.empty() || !open_directory(real)) throw failure(shown_path(directory) + ": " + std::strerror(errno));
  return real;
}

}  // namespace

bool lies_within(std::string const& path, std::string const& directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

listing list_some(std::vector<std::string> directories, std::size_t limit) {
  return lister(std::move(directories)).run(limit);
}

listing walk(std::vector<std::string> const& roots, int workers, std::function<bool(std::size_t)> const& keep_going) {
  constexpr std::size_t files_here = 500, files_a_task = 2000;
  collector all;
  all.add(list_some(roots, files_here));
  auto const list_one = [](std::string const& directory) { return list_some({directory}, files_a_task); };
  while (!all.complete() && keep_going(all.size())) {
    auto const directories = all.take_pending();
    auto lists = px::pmap(list_one, directories, {.workers = workers, .retries = 1});
    for (px::outcome<listing>& o : lists.outcomes()) {
      all.add(o ? std::move(*o) : list_one(directories[o.index()]));
      if (!keep_going(all.size())) break;
    }
  }
  return all.take();
}

std::vector<std::string> canonical_roots(std::vector<std::string> const& directories) {
  std::vector<std::string> all;
  for (std::string const& d : directories) all.push_back(canonical_root(d));
  std::ranges::sort(all);
  std::vector<std::string> outermost;
  for (std::string const& path : all) {
    bool const inside = std::ranges::any_of(outermost, [&](auto const& root) { return lies_within(path, root); });
    if (!inside) outermost.push_back(path);
  }
  return outermost;
}

}  // namespace indexer
