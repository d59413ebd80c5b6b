// expect: procx: a view, iterator or type_index means nothing in another process; send what it stands for
#include <procx/wire/codec.hpp>

#include <string_view>
#include <vector>

using words = std::vector<std::string_view>;
words receive(std::span<std::byte const> bytes) { return procx::decode<words>(bytes); }
