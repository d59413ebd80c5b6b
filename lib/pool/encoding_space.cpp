#include <procx/pool/queue_core.hpp>

#include <memory>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t kept = std::size_t{1} << 20;
thread_local std::unique_ptr<encoding_space> spare;

}  // namespace

encoding_space* encoding_space::take() { return spare ? spare.release() : new encoding_space; }

void encoding_space::give_back() noexcept {
  bytes.clear();
  if (bytes.capacity() > kept) bytes.release();
  if (!slabs.empty()) slabs.clear();
  spare.reset(this);
}

}  // namespace procx::inline v1::detail
