#include "jobs/attachment.hpp"
#include "jobs/job_client.hpp"

namespace procx::inline v1 {

attach_result attach_job(std::filesystem::path const& where, attach_options const& options) {
  detail::address const at(where);
  detail::attachment attached(at, options);
  job_status const s = detail::ask_job(at, [&](detail::job_line& line) { return attached.follow(line); });
  return attached.finish(s);
}

}  // namespace procx::inline v1
