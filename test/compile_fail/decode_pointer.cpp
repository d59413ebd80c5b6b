// expect: procx: a pointer or reference means nothing in another process; send what it points to
#include <procx/wire/codec.hpp>

int* receive(std::span<std::byte const> bytes) { return procx::decode<int*>(bytes); }
