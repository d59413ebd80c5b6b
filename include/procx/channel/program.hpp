#pragma once

#include <procx/version.hpp>

#include <procx/channel/channel.hpp>
#include <procx/channel/start_options.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace procx::inline v1 {

/// Executes another program, with a channel to it: there it is met by `parent_channel`.
///
/// Both sides say which version of the protocol they speak before anything else; a program that speaks another is a
/// protocol_error at the first `receive`, one that knows nothing of procx is the end of the channel when it ends. Values
/// that are copied as they lie in memory need the same architecture and the same definition at both ends.
/// Throws `boost::system::system_error` if the program cannot be executed. `method` of the options is ignored.
channel start_program(std::filesystem::path const& program, std::vector<std::string> const& arguments = {},
                      start_options const& options = {});

/// The channel to the process that has executed this program by `start_program`. To be called once, before other
/// processes are started. Throws connection_error if nobody has, or if this program has more rights than its caller
/// (set-user-id).
channel parent_channel();

}  // namespace procx::inline v1
