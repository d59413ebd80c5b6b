// expect: procx: member 2 of a struct: a view, iterator or type_index means nothing in another process
#include <procx/procx.hpp>

struct word {
  int number;
  std::vector<std::string_view> letters;
};
word run(procx::channel& from) { return from.receive<word>(); }
