#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/drawn_range.hpp>
#include <procx/pipeline/file_error.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace procx::inline v1 {

struct walk_options {
  /// Whether links to directories are followed. One that leads back to a directory it is in is passed over, and a directory
  /// that two of them lead to is listed once.
  bool follow_links = false;
  /// Told of directories that cannot be read, and passed over. Null: the problem is thrown out of the loop.
  std::function<void(file_error const&)> on_problem = nullptr;
};

/// The regular files below a directory, and links to such, as an input range of their paths: sorted by name in each directory, a
/// directory's at the place of its name. What vanishes meanwhile is passed over. FIFOs, sockets and devices are left out.
/// Errors: file_error for a directory that cannot be read, unless there is an `on_problem`. Cost: the names of the directories that
/// it is in.
class walk : public detail::drawn_range<walk, std::string> {
 public:
  explicit walk(std::filesystem::path const& directory, walk_options options = {});
  walk(walk&&) noexcept;
  walk& operator=(walk&&) noexcept;
  ~walk();

 private:
  class walker;

  friend class detail::drawn_range<walk, std::string>;
  bool draw(std::string& into);

  std::unique_ptr<walker> walker_;
};

/// Files by name: each is that of a file; that of a directory, for all files below it (see `walk`); or a pattern of the shell with *,
/// ?, [] or {,}. Sorted, and each path once. A file whose name has such characters is found by its name.
/// Errors: file_error for a name or pattern that there is nothing for, and for directories as `walk`.
/// \code
/// for (std::string const& path : px::files({"logs", "/var/log/nginx/access.log*"})) ...
/// \endcode
std::vector<std::string> files(std::vector<std::string> const& names, walk_options const& options = {});

}  // namespace procx::inline v1
