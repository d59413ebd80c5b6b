#pragma once

#include "address/address.hpp"
#include "jobs/job_command.hpp"
#include "jobs/job_log.hpp"
#include "jobs/job_record.hpp"
#include "jobs/job_session.hpp"
#include "system/descriptor.hpp"

#include <chrono>
#include <list>
#include <optional>
#include <vector>

#include <poll.h>

namespace procx::inline v1::detail {

/// The event loop of a supervisor: a command, its output, and any number of clients. Single-threaded. It reaps whatever the command
/// has started and left behind, and ends when nothing of that is left.
class job_server final : public job_requests {
 public:
  /// Executes the command, and listens.
  job_server(address const& at, address_claim& claim, command_plan plan, job_record record);

  /// Returns when the job is empty.
  void run();

 private:
  using clock = job_session::clock;
  // Time limit for telling clients of the end.
  static constexpr std::chrono::seconds time_to_tell{2};

  job_record now() override;
  void on_input(job_session& from, std::span<std::byte const> bytes) override;
  void on_end_of_input() override { command_.end_input(); }
  void on_window(window_size size) override { command_.set_window(size); }
  void on_stop(stop_terms const& terms) override;

  void wait();
  deadline next_deadline() const;
  void heed_signals();
  void reap();
  void note_end();
  void try_to_write_record() noexcept;
  bool all_is_read();
  void look_after_address();
  void begin_to_stop(stop_terms const& terms);
  void go_on_stopping();
  void send_to_all(int signal);
  void accept_all();
  void pump_sessions();
  void pump_input();
  void tell_all();
  void finish();
  void tell_the_end();

  address const& at_;
  address_claim& claim_;
  descriptor signals_;
  descriptor listener_;
  job_command command_;
  job_log log_;
  job_record record_;
  descriptor watch_;  // of the socket in the file system
  std::list<job_session> sessions_;
  std::uint64_t sessions_so_far_ = 0;
  std::vector<pollfd> fds_;
  std::size_t first_session_ = 0;  // index in fds_
  deadline accepts_again_;         // set while there is no descriptor left for another client
  bool over_ = false;              // the command
  bool empty_ = false;             // the whole job
  deadline reads_until_;           // of a terminal: its last output may still be on its way
  std::optional<stop_terms> stops_;
  bool told_ = false;  // all processes have the stop signal
  deadline kills_at_;
};

}  // namespace procx::inline v1::detail
