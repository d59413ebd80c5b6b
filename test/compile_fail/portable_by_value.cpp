// expect: procx: this type has no portable form (long double, wchar_t, px::by_value, unions and classes sent as bytes have other bytes on other machines)
#include <procx/procx.hpp>

auto run(int n) { return procx::encode_portable(procx::by_value([n] { return n; })); }
