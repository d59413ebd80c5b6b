#include <procx/pool/queue_core.hpp>

#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t kept = std::size_t{1} << 20;
thread_local buffer spare;

}  // namespace

// It is taken out for as long as it is used: what is encoded may itself encode something.
scratch_buffer::scratch_buffer() noexcept : bytes_(std::move(spare)) {}

scratch_buffer::~scratch_buffer() {
  if (bytes_.capacity() > kept) return;
  bytes_.clear();
  spare = std::move(bytes_);
}

}  // namespace procx::inline v1::detail
