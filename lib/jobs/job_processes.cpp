#include "jobs/job_processes.hpp"

#include "system/descriptor.hpp"
#include "system/io.hpp"
#include "system/kernel.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

std::string content(std::string const& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// f(number, path) for each entry of a folder whose name is a number.
template <class F>
void for_each_number(std::string const& folder, F const& f) {
  std::unique_ptr<DIR, int (*)(DIR*)> const all(::opendir(folder.c_str()), ::closedir);
  if (!all) return;
  while (dirent const* const entry = ::readdir(all.get()))
    if (int const number = std::atoi(entry->d_name); number > 0) f(static_cast<pid_t>(number), folder + '/' + entry->d_name);
}

struct process_line {
  pid_t parent = 0;
  char state = 'Z';
};

/// As in proc(5): the name stands in brackets, and may contain some.
process_line line_of(std::string const& folder) {
  process_line line;
  std::string const stat = content(folder + "/stat");
  auto const name_end = stat.rfind(')');
  if (name_end != stat.npos && name_end + 4 < stat.size()) {
    line.state = stat[name_end + 2];
    line.parent = std::atoi(stat.c_str() + name_end + 4);
  }
  return line;
}

bool is_dead(pid_t pid) {
  char const state = line_of("/proc/" + std::to_string(pid)).state;
  return state == 'Z' || state == 'X';
}

/// Each process, and its parent.
std::vector<std::pair<pid_t, pid_t>> all_parents() {
  std::vector<std::pair<pid_t, pid_t>> all;
  for_each_number("/proc", [&](pid_t p, std::string const& folder) { all.emplace_back(p, line_of(folder).parent); });
  return all;
}

/// What its threads have started.
void append_children(std::vector<pid_t>& to, pid_t pid) {
  for_each_number("/proc/" + std::to_string(pid) + "/task", [&](pid_t, std::string const& folder) {
    std::ifstream children(folder + "/children");
    for (pid_t child; children >> child;) to.push_back(child);
  });
}

bool has_id(std::string const& folder, std::string const& entry) {
  std::string const environment = '\0' + content(folder + "/environ");
  return environment.find('\0' + entry + '\0') != environment.npos && line_of(folder).state != 'Z';
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t pid) {
  bool const quick = ::access("/proc/thread-self/children", R_OK) == 0;  // not every kernel is built with it
  auto const parents = quick ? std::vector<std::pair<pid_t, pid_t>>() : all_parents();
  std::vector<pid_t> all{pid};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (quick) append_children(all, all[i]);
    for (auto const& [child, parent] : parents)
      if (parent == all[i]) all.push_back(child);
  }
  all.erase(all.begin());
  std::erase_if(all, is_dead);
  return all;
}

std::vector<pid_t> processes_with_id(std::string const& id) {
  std::string const entry = "PROCX_JOB_ID=" + id;
  std::vector<pid_t> found;
  for_each_number("/proc", [&](pid_t p, std::string const& folder) {
    if (p != ::getpid() && has_id(folder, entry)) found.push_back(p);
  });
  return found;
}

void end_processes_with_id(std::string const& id, int signal, int grace_milliseconds) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_milliseconds);
  std::string const entry = "PROCX_JOB_ID=" + id;
  for (std::vector<pid_t> told;;) {
    auto const now = std::chrono::steady_clock::now();
    bool const kills = now >= until;
    std::vector<descriptor> alive;
    for (pid_t const p : processes_with_id(id)) try {
        descriptor pidfd = open_pidfd(p);
        if (!has_id("/proc/" + std::to_string(p), entry)) continue;  // somebody else by now
        bool const new_here = std::ranges::find(told, p) == told.end();
        if (kills || new_here) (void)send_by_pidfd(pidfd.get(), kills ? SIGKILL : signal);
        if (new_here) told.push_back(p);
        alive.push_back(std::move(pidfd));
      } catch (boost::system::system_error const&) {
        // It has ended.
      }
    if (alive.empty()) return;
    std::vector<pollfd> fds;
    for (descriptor const& d : alive) fds.push_back({d.get(), POLLIN, 0});
    poll_until(fds, kills ? now + std::chrono::milliseconds(100) : until);
  }
}

}  // namespace procx::inline v1::detail
