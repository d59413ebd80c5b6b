#include <procx/detail/pool/intake_item.hpp>

#include <utility>

namespace procx::inline v1::detail {

constinit thread_local encoding_space* encoding_space::spare = nullptr;

struct encoding_space::end_of_thread {
  ~end_of_thread() { delete std::exchange(spare, nullptr); }
};

encoding_space* encoding_space::make() {
  static thread_local end_of_thread const deletes_it;
  static_cast<void>(deletes_it);
  return new encoding_space;
}

void encoding_space::end() noexcept { delete this; }

}  // namespace procx::inline v1::detail
