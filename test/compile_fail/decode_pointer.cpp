// expect: procx: a pointer, view or reference means nothing in another process
#include <procx/wire/codec.hpp>

int* receive(std::span<std::byte const> bytes) { return procx::decode<int*>(bytes); }
