// expect: procx needs
// flags of gcc: -D__GNUC__=11
// flags of clang: -D__clang_major__=14
#include <procx/procx.hpp>

int run() { return 0; }
