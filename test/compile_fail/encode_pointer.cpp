// expect: procx: a pointer or reference means nothing in another process; send what it points to
#include <procx/wire/codec.hpp>

void send(procx::detail::buffer& out, int const* p) { procx::encode(out, p); }
