#include <procx/pool/queue_core.hpp>

#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t kept = std::size_t{1} << 20;
constinit thread_local encoding_space* spare = nullptr;  // a plain pointer: nobody need ask whether it was initialized

struct end_of_thread {
  ~end_of_thread() { delete std::exchange(spare, nullptr); }
};

encoding_space* first_one() {
  static thread_local end_of_thread const deletes_it;
  static_cast<void>(deletes_it);
  return new encoding_space;
}

}  // namespace

encoding_space* encoding_space::take() {
  encoding_space* const mine = std::exchange(spare, nullptr);
  return mine ? mine : first_one();
}

void encoding_space::give_back() noexcept {
  bytes.clear();
  if (bytes.capacity() > kept) bytes.release();
  if (!slabs.empty()) slabs.clear();
  delete std::exchange(spare, this);
}

}  // namespace procx::inline v1::detail
