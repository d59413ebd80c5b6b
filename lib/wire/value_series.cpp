#include <procx/detail/wire/value_series.hpp>

#include <procx/error/exceptions.hpp>

namespace procx::inline v1::detail {

value_series value_series::of(frame const& f) {
  std::size_t const size = f.payload.size();
  if (f.kind == frame_kind::value) return {f.id, size, 1, f.payload.data()};
  std::size_t const count = static_cast<std::size_t>(f.id >> id_bits) + 1;
  if (size % count != 0) throw protocol_error("a frame of values of one length that cannot be");
  return {first_id(f.id), size / count, count, f.payload.data()};
}

}  // namespace procx::inline v1::detail
