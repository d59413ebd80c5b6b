#include "console/output.hpp"
#include "job_commands.hpp"
#include "job_places.hpp"
#include "job_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <functional>

namespace px = procx;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> addresses_of(std::vector<std::string> const& names) {
  std::vector<fs::path> all;
  for (std::string const& name : names) all.push_back(job_at(name));
  return all;
}

/// One after the other. One that cannot be asked does not keep the others from it, but counts as `unknown_exit`. The last code
/// that is not 0 is returned.
int for_each_job(std::vector<fs::path> const& addresses, std::function<int(fs::path const&)> const& f) {
  int result = 0;
  for (fs::path const& address : addresses) try {
      if (int const code = f(address)) result = code;
    } catch (std::exception const& e) {
      fmt::print(stderr, "procx: {}\n", e.what());
      result = unknown_exit;
    }
  return result;
}

std::vector<px::job_status> jobs_in_folder() {
  std::vector<px::job_status> jobs;
  for_each_job(all_jobs(), [&](fs::path const& address) {
    jobs.push_back(px::status_of_job(address));
    return 0;
  });
  return jobs;
}

std::chrono::nanoseconds seconds(double s) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(s));
}

}  // namespace

int status(several_jobs const& c) {
  return for_each_job(c.addresses.empty() ? all_jobs() : addresses_of(c.addresses), [&](fs::path const& address) {
    px::job_status const job = px::status_of_job(address);
    console::print(c.json ? json_of(job) + '\n' : description_of(job));
    return job.state == px::job_state::running ? 0 : exit_code_of(job);
  });
}

int list(bool json) {
  auto const jobs = jobs_in_folder();
  if (!json) {
    console::print(table_of(jobs));
    return 0;
  }
  for (px::job_status const& job : jobs) console::print(json_of(job) + '\n');
  return 0;
}

int forget(several_jobs const& c) {
  return for_each_job(addresses_of(c.addresses), [&](fs::path const& address) {
    px::job_status const job = px::status_of_job(address);
    px::remove_job(address);
    if (c.json) console::print(json_of(job) + '\n');
    return 0;
  });
}

int wait(wait_command const& c) {
  constexpr int time_is_up = 124;  // as timeout(1)
  auto const until = std::chrono::steady_clock::now() + seconds(c.timeout.value_or(0));
  return for_each_job(addresses_of(c.jobs.addresses), [&](fs::path const& address) {
    std::optional<std::chrono::nanoseconds> left;
    if (c.timeout) left = until - std::chrono::steady_clock::now();
    auto const job = px::wait_for_job(address, left);
    if (!job) fmt::print(stderr, "procx: {} is still running\n", shown_address(address));
    if (!job) return time_is_up;
    if (c.jobs.json) console::print(json_of(*job) + '\n');
    if (job->state == px::job_state::lost) fmt::print(stderr, "procx: {}: {}\n", shown_address(address), state_of(*job));
    return exit_code_of(*job);
  });
}

int stop(stop_command const& c) {
  auto const grace = std::chrono::duration_cast<std::chrono::milliseconds>(seconds(c.grace));
  return for_each_job(addresses_of(c.jobs.addresses), [&](fs::path const& address) {
    px::job_status const job = px::stop_job(address, {.grace = grace, .drain = c.drain});
    if (c.jobs.json) console::print(json_of(job) + '\n');
    return 0;
  });
}
