#include <procx/wire/travel.hpp>

#include <procx/error/exceptions.hpp>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <dlfcn.h>
#include <link.h>

namespace procx::inline v1::detail {
namespace {

/// Whether the address lies in memory that the process allocated: its stack, its heap, or what it mapped without a file.
bool is_data_address(std::uintptr_t word) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char readable = 0;
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx %c%*s %*s %*s %*s %n", &from, &to, &readable, &path_at) < 3) continue;
    if (word < from || word >= to || readable != 'r') continue;
    std::string const path = path_at ? line.substr(static_cast<std::size_t>(path_at)) : "";
    return path.empty() || path == "[heap]" || path.starts_with("[stack") || path.starts_with("[anon");
  }
  return false;
}

/// The program itself is the one that has no name among what is loaded.
bool is_of_program(void const* code) noexcept {
  dl_find_object found{};
  return ::_dl_find_object(const_cast<void*>(code), &found) == 0 && *found.dlfo_link_map->l_name == '\0';
}

}  // namespace

void image_anchor() noexcept {}

void function_finder::check(image_offset offset) {
  dl_find_object found{};
  if (offset != 0 && ::_dl_find_object(reinterpret_cast<void*>(function_at(offset)), &found) != 0)
    throw protocol_error("a function that this process does not have: its library was loaded after the process was made");
  last_.store(offset, std::memory_order_relaxed);
}

bool in_program_image(void (*function)()) noexcept {
  // Of this file's own functions one that has no other address than its own: image_anchor may have one in the program,
  // from where a shared procx is called.
  return is_of_program(reinterpret_cast<void*>(function)) && is_of_program(reinterpret_cast<void*>(&is_data_address));
}

void check_no_addresses(void const* object, std::size_t size) {
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= size; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<std::byte const*>(object) + at, sizeof word);
    if (word < 4096 || !is_data_address(word)) continue;
    throw std::invalid_argument("px::by_value: the lambda captured something that looks like an address (word " +
                                std::to_string(at / sizeof word) +
                                "): capture values, or give it to the pool when that is made");
  }
}

}  // namespace procx::inline v1::detail
