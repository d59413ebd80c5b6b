// expect: procx: member 2 of a struct: this struct has bit-fields; use members of whole bytes
#include <procx/procx.hpp>

struct flags {
  unsigned read : 1;
  unsigned write : 1;
};
struct file {
  std::string name;
  flags allowed;
};
void run(procx::channel& to) { to.send(file()); }
