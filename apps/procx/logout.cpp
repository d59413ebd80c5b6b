#include "logout.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include <pwd.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

std::string content(fs::path const& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The file, and those beside it that say more, in the order in which they are read.
bool logind_kills() {
  std::string last = value_in(content("/etc/systemd/logind.conf"), "KillUserProcesses");
  std::vector<fs::path> more;
  for (char const* folder : {"/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"}) {
    std::error_code none;
    for (auto const& entry : fs::directory_iterator(folder, none)) more.push_back(entry.path());
  }
  std::ranges::sort(more, {}, [](fs::path const& p) { return p.filename(); });
  for (fs::path const& file : more)
    if (std::string const value = value_in(content(file), "KillUserProcesses"); !value.empty()) last = value;
  return last == "yes" || last == "true" || last == "on" || last == "1";
}

bool user_lingers() {
  passwd const* const user = ::getpwuid(::geteuid());
  std::error_code none;
  return user && fs::exists(fs::path("/var/lib/systemd/linger") / user->pw_name, none);
}

}  // namespace

std::string value_in(std::string_view file, std::string_view key) {
  std::string value;
  std::istringstream lines{std::string(file)};
  for (std::string line; std::getline(lines, line);) {
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == '=') value = line.substr(key.size() + 1);
  }
  return value;
}

logout_settings logout_settings_of_this_process() {
  std::string cgroups = content("/proc/self/cgroup");
  if (cgroups.find("/user.slice/") == cgroups.npos) return {std::move(cgroups)};
  return {std::move(cgroups), logind_kills(), user_lingers()};
}

std::string ends_at_logout(logout_settings const& s) {
  auto const within = [&](char const* part) { return s.cgroups.find(part) != s.cgroups.npos; };
  if (within("/user.slice/") && within("/session-") && s.kills_sessions)
    return "the job ends when you log out (KillUserProcesses=yes); to keep it, run `loginctl enable-linger`, and start it by "
           "`systemd-run --user --scope procx start …`";
  if (within("/user@") && !s.lingers)
    return "the job ends when you log out of your last session; to keep it, run `loginctl enable-linger`";
  return {};
}
