// expect: procx: the callable cannot be called with the arguments as they arrive there: strings in whatever form as std::string
#include <procx/pool/process_pool.hpp>

auto submit(procx::process_pool& pool) { return pool.submit([](char const* text) { return text[0]; }, "text"); }
