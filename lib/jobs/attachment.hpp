#pragma once

#include "jobs/job_line.hpp"
#include "jobs/log_copy.hpp"

#include <procx/jobs/job.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace procx::inline v1::detail {

/// A client that follows a job: its output comes from the file, news and input go over the connection.
class attachment {
 public:
  attachment(address const& at, attach_options const& options) : at_(at), options_(options) {}

  /// Returns when the command has ended, or the client has had enough. Empty if the connection broke.
  std::optional<job_status> follow(job_line& line);
  /// Copies what is left of the output of a job that has ended.
  attach_result finish(job_status const& s);

 private:
  void begin(job_line& line);
  void wait(job_line& line);
  void take_news(job_line& line);
  void send_input(job_line& line);
  bool may_send() const noexcept { return !input_ended_ && sent_ - acknowledged_ < most_input; }
  void send_window(job_line& line);
  void end_input(job_line& line);

  address const& at_;
  attach_options const& options_;
  std::optional<log_copy> log_;
  std::optional<job_record> ended_;
  std::uint64_t known_ = 0;  // bytes of output
  bool follows_ = false;     // has asked for more
  bool input_ended_ = true;
  bool input_ready_ = false;
  bool window_changed_ = false;
  bool detached_ = false;
  std::uint64_t sent_ = 0, acknowledged_ = 0;  // bytes of input
};

}  // namespace procx::inline v1::detail
