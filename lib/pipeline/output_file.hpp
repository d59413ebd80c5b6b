#pragma once

#include "system/descriptor.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace procx::inline v1::detail {

/// A file to read and write, made if it is not there. Throws destination_error.
descriptor open_output(std::string const& path, int flags = 0);
std::uint64_t size_of(descriptor const& file, std::string const& path);
/// Writes all of it from there on, or cuts the file there and throws destination_error.
void write_at(descriptor const& file, std::uint64_t offset, std::span<std::byte const> bytes, std::string const& path);
void cut(descriptor const& file, std::uint64_t size, std::string const& path);
/// Waits until it is on the disk.
void sync(descriptor const& file, std::string const& path);
[[noreturn]] void throw_not_written(std::string const& path, int why);

}  // namespace procx::inline v1::detail
