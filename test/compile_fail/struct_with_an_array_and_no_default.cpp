// expect: procx: this struct has an array and no default constructor; give its members initializers, or use std::array
#include <procx/procx.hpp>

struct id {
  explicit id(int n) : number(n) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & number;
  }
  int number;
};
struct thing {
  id name;
  int numbers[3];
};
void run(procx::channel& to) { to.send(thing{id(1), {1, 2, 3}}); }
