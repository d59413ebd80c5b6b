#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// The user's own folder for jobs that are given by a bare name: $XDG_RUNTIME_DIR/procx, or /tmp/procx-UID. It is made if it is not
/// there. Throws std::runtime_error if it is not this user's alone.
std::filesystem::path jobs_folder();

/// What an ADDRESS on the command line stands for: the path of a socket, if there is a slash in it, else a name in `jobs_folder`.
std::filesystem::path job_at(std::string const& address);

/// As short as can be written on a command line: a name, if the job is in `jobs_folder`.
std::string shown_address(std::filesystem::path const& address);

/// The addresses of all jobs in `jobs_folder`, by name.
std::vector<std::filesystem::path> all_jobs();
