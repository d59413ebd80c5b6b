// expect: procx: a pointer or reference means nothing in another process; send what it points to
// lines: 60
#include <procx/wire/codec.hpp>

struct node {
  node* next;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & next;
  }
};
void send(procx::detail::buffer& out, node const& n) { procx::encode(out, n); }
