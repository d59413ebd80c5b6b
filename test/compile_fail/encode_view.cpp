// expect: procx: a pointer, view or reference means nothing in another process
#include <procx/wire/codec.hpp>

#include <map>
#include <string_view>

using words = std::map<int, std::string_view>;
void send(procx::detail::buffer& out, words const& w) { procx::encode(out, w); }
