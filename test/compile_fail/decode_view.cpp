// expect: procx: a pointer, view or reference means nothing in another process
#include <procx/wire/codec.hpp>

#include <string_view>
#include <vector>

using words = std::vector<std::string_view>;
words receive(std::span<std::byte const> bytes) { return procx::decode<words>(bytes); }
