#include "jobs/job_client.hpp"

#include "jobs/job_processes.hpp"

#include <procx/detail/system/from_now.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/jobs/job.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <unistd.h>

namespace procx::inline v1 {
namespace detail {
namespace {

constexpr std::chrono::seconds time_to_come_or_go{5};
constexpr std::chrono::milliseconds a_moment{1};
constexpr int most_broken = 10;  // connections

/// What the files tell of a job without a supervisor; nothing if one is just starting or ending.
std::optional<job_status> told_by_files(address const& at) {
  bool const owned = has_owner(at);  // before the record is read: who ends writes it, and then gives the lock back
  auto record = read_record(at);
  if (record && record->closed) return owned ? std::nullopt : std::optional(status_of(at, *record, false));
  if (owned) return std::nullopt;
  if (!record)
    throw connection_error("there is no job at " + at.path().string(), {ENOENT, boost::system::system_category()});
  record->processes = processes_with_id(record->id).size();
  return status_of(at, *record, false);
}

void throw_unless_gone(connection_error const& e) {
  if (e.code() == boost::system::errc::operation_not_permitted || e.code() == boost::system::errc::permission_denied) throw;
}

}  // namespace

job_status ask_job(address const& at, std::function<std::optional<job_status>(job_line&)> const& ask) {
  int broken = 0;
  for (auto until = from_now(time_to_come_or_go);;) {
    try {
      job_line line(at);
      if (auto const s = ask(line)) return *s;
      if (++broken > most_broken) throw protocol_error("who listens at " + at.path().string() + " is no supervisor of a job");
      until = from_now(time_to_come_or_go);
    } catch (connection_error const& e) {
      throw_unless_gone(e);
      if (auto const s = told_by_files(at)) return *s;
      if (std::chrono::steady_clock::now() >= until) throw;
    }
    std::this_thread::sleep_for(a_moment);
  }
}

}  // namespace detail

job_status status_of_job(std::filesystem::path const& where) {
  detail::address const at(where);
  return detail::ask_job(at, [&](detail::job_line& line) -> std::optional<job_status> {
    detail::add_word(line.out(), detail::job_word::status, 1);
    auto const r = line.await_state(1, std::nullopt);
    return r ? std::optional(detail::status_of(at, *r, true)) : std::nullopt;
  });
}

std::optional<job_status> wait_for_job(std::filesystem::path const& where, std::optional<std::chrono::nanoseconds> timeout) {
  detail::address const at(where);
  detail::deadline const until = timeout ? detail::deadline(detail::from_now(*timeout)) : std::nullopt;
  bool late = false;
  job_status const s = detail::ask_job(at, [&](detail::job_line& line) -> std::optional<job_status> {
    detail::add_word(line.out(), detail::job_word::wait, 1);
    auto const r = line.await_state(1, until);
    late = !r && !line.ended();
    if (late) return job_status{};
    return r ? std::optional(detail::status_of(at, *r, true)) : std::nullopt;
  });
  return late ? std::nullopt : std::optional(s);
}

job_status stop_job(std::filesystem::path const& where, stop_options const& options) {
  detail::address const at(where);
  auto const grace = std::max(options.grace, std::chrono::milliseconds(0));
  job_status s = detail::ask_job(at, [&](detail::job_line& line) -> std::optional<job_status> {
    detail::add_stop(line.out(), 1, {static_cast<std::uint64_t>(grace.count()), options.signal, options.drain});
    auto const r = line.await_state(1, std::nullopt);
    return r ? std::optional(detail::status_of(at, *r, true)) : std::nullopt;
  });
  if (s.processes == 0) return s;
  auto const r = detail::read_record(at);  // its supervisor was killed
  if (r) detail::end_processes_with_id(r->id, options.signal, static_cast<int>(std::min<long long>(grace.count(), 1'000'000'000)));
  s.processes = 0;
  return s;
}

void remove_job(std::filesystem::path const& where) {
  detail::address const at(where);
  auto const record = detail::read_record(at);
  if (!record) throw connection_error("there is no job at " + at.path().string(), {ENOENT, boost::system::system_category()});
  detail::address_claim const claim(at);
  if (!record->closed && !detail::processes_with_id(record->id).empty())
    throw connection_error("processes of the job at " + at.path().string() + " are still running",
                           {EADDRINUSE, boost::system::system_category()});
  // What is at the path itself is the socket of a supervisor that was killed: the claim has made sure of it.
  for (char const* suffix : {"", ".log", ".job"}) ::unlinkat(at.folder_fd(), (at.name() + suffix).c_str(), 0);
}

}  // namespace procx::inline v1
