#include "address/detached_process.hpp"
#include "jobs/job_client.hpp"
#include "jobs/job_processes.hpp"
#include "jobs/job_server.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/jobs/job.hpp>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace procx::inline v1 {
namespace {

/// 64 random bits.
std::string new_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 16; ++i) id += "0123456789abcdef"[random() % 16];
  return id;
}

/// Without changing it, which other threads would notice.
mode_t current_mask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "Umask:" && status >> word) return static_cast<mode_t>(std::strtoul(word.c_str(), nullptr, 8));
  return 022;
}

std::vector<std::string> environment_of_job(std::filesystem::path const& address, std::string const& id) {
  std::vector<std::string> all;
  for (char** e = environ; e && *e; ++e)
    if (std::string const entry = *e; !entry.starts_with("PROCX_JOB=") && !entry.starts_with("PROCX_JOB_ID="))
      all.push_back(entry);
  all.push_back("PROCX_JOB=" + address.string());
  all.push_back("PROCX_JOB_ID=" + id);
  return all;
}

/// What a job at the address has left behind, whose supervisor was killed.
void end_leftovers(detail::address const& at) try {
  auto const before = detail::read_record(at);
  if (before && !before->closed) detail::end_processes_with_id(before->id, SIGKILL, 0);
} catch (protocol_error const&) {
  // Something else was in the file. It is replaced.
}

/// Whoever asks the supervisor has it look around for processes.
job_status as_started(std::filesystem::path const& address) {
  detail::address const at(address);
  auto record = detail::read_record(at);
  if (!record || record->ended) return status_of_job(address);
  record->processes = 1;
  return detail::status_of(at, *record, true);
}

}  // namespace

job_status start_job(std::filesystem::path const& where, std::vector<std::string> const& command, job_options const& options) {
  if (command.empty() || command.front().empty()) throw std::invalid_argument("a job needs a command");
  std::filesystem::path const address = std::filesystem::absolute(where);
  detail::job_record record;
  record.id = new_id();
  record.command = command;
  record.folder = options.folder.empty() ? std::filesystem::current_path() : std::filesystem::absolute(options.folder);
  record.terminal = options.terminal;
  detail::command_plan const plan{.words = command,
                                  .environment = environment_of_job(address, record.id),
                                  .folder = record.folder,
                                  .mask = current_mask(),
                                  .terminal = options.terminal,
                                  .input = options.input,
                                  .window = options.window};
  detail::start_detached(address, [&](detail::address const& at, std::function<void()> const& listens) {
    detail::address_claim claim(at);
    claim.redirect_output();
    end_leftovers(at);
    detail::job_server server(at, claim, plan, record);
    listens();
    server.run();
  });
  return as_started(address);
}

}  // namespace procx::inline v1
