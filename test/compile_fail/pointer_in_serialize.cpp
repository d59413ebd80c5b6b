// expect: procx: a pointer, view or reference means nothing in another process
#include <procx/wire/codec.hpp>

struct node {
  node* next;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & next;
  }
};
void send(procx::detail::buffer& out, node const& n) { procx::encode(out, n); }
