#include "process/death_watch.hpp"

#include <boost/system/system_error.hpp>

namespace procx::inline v1::detail {

descriptor death_watch::of(pid_t child) && {
  if (pipe_.first) return std::move(pipe_.first);
  try {
    return open_pidfd(child);
  } catch (boost::system::system_error const& e) {
    if (e.code() != boost::system::errc::no_such_process) throw;
    return make_pipe().first;  // nobody holds its other end
  }
}

}  // namespace procx::inline v1::detail
