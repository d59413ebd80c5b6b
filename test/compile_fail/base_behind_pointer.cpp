// expect: procx: what derives from the class is lost on the way
#include <procx/wire/codec.hpp>

struct shape {
  virtual ~shape() = default;
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};
void send(procx::detail::buffer& out, std::unique_ptr<shape> const& s) { procx::encode(out, s); }
