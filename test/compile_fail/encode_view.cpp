// expect: procx: a view, iterator or type_index means nothing in another process; send what it stands for
#include <procx/wire/codec.hpp>

#include <map>
#include <string_view>

using words = std::map<int, std::string_view>;
void send(procx::detail::buffer& out, words const& w) { procx::encode(out, w); }
