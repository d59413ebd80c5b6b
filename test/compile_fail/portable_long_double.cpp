// expect: procx: member 2 of a struct: this type has no portable form (long double, wchar_t, px::by_value, unions and classes sent as bytes have other bytes on other machines)
#include <procx/procx.hpp>

struct point {
  double x;
  long double y;
};
auto run() { return procx::encode_portable(point()); }
