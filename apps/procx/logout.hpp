#pragma once

#include <string>
#include <string_view>

/// What of this machine decides whether processes survive the end of a login session.
struct logout_settings {
  std::string cgroups;            ///< /proc/self/cgroup
  bool kills_sessions = false;    ///< logind's KillUserProcesses
  bool lingers = false;           ///< loginctl enable-linger
};
logout_settings logout_settings_of_this_process();

/// A sentence on what ends this process's background jobs with its session, and what to do about it; empty if nothing is known to.
std::string ends_at_logout(logout_settings const& settings);

/// The last value of a key in a file such as logind.conf(5); empty if it has none.
std::string value_in(std::string_view file, std::string_view key);
