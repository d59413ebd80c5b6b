// expect: procx: a pointer, view or reference means nothing in another process
#include <procx/wire/codec.hpp>

void send(procx::detail::buffer& out, int const* p) { procx::encode(out, p); }
