// expect: procx: this type has no portable form (long double, wchar_t, px::by_value, unions and classes sent as bytes have other bytes on other machines)
#include <procx/procx.hpp>

std::wstring run(std::span<std::byte const> bytes) { return procx::decode_portable<std::wstring>(bytes); }
