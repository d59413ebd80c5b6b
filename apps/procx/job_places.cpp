#include "job_places.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

fs::path folder_name() {
  char const* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime && runtime[0] == '/') return fs::path(runtime) / "procx";
  return "/tmp/procx-" + std::to_string(::geteuid());
}

}  // namespace

fs::path jobs_folder() {
  fs::path const folder = folder_name();
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw std::system_error(errno, std::generic_category(), "cannot make the folder " + folder.string());
  struct stat s {};
  if (::lstat(folder.c_str(), &s) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot use the folder " + folder.string());
  if (!S_ISDIR(s.st_mode) || s.st_uid != ::geteuid() || (s.st_mode & 077) != 0)
    throw std::runtime_error(folder.string() + " is not a folder of this user's alone (mode 0700): jobs are not kept there");
  return folder;
}

fs::path job_at(std::string const& address) {
  if (address.find('/') != address.npos) return fs::absolute(address);
  if (address.empty() || address[0] == '.') throw std::runtime_error("\"" + address + "\" is no name of a job");
  return jobs_folder() / address;
}

std::string shown_address(fs::path const& address) {
  return address.parent_path() == folder_name() ? address.filename().string() : address.string();
}

std::vector<fs::path> all_jobs() {
  std::vector<fs::path> all;
  for (auto const& entry : fs::directory_iterator(jobs_folder()))
    if (entry.path().extension() == ".job" && entry.path().filename().string()[0] != '.')
      all.push_back(entry.path().parent_path() / entry.path().stem());
  std::ranges::sort(all);
  return all;
}
