#include "stash/computing.hpp"
#include "stash/storing.hpp"

#include <procx/pool/pmap.hpp>

#include <algorithm>
#include <ranges>

namespace procx::inline v1::detail {
namespace {

/// That all values have been stored.
constexpr char complete[] = "complete";

}  // namespace

data_store::data_store(std::unique_ptr<any_stash> delegate, std::unique_ptr<data_source> source, stash_options const& options)
    : priming_store(std::move(delegate), options), source_(std::move(source)) {}

void data_store::compute_missing() {
  if (below().exists(record_kind::mark, complete)) return;
  struct releases {
    data_source& source;
    ~releases() { source.release(); }
  } const after{*source_};
  std::size_t const count = source_->create();
  // Evenly over the workers: the sizes of the chunks differ by one at most.
  std::size_t const chunks = options_.chunk_size ? count / options_.chunk_size + (count % options_.chunk_size != 0)
                                                 : std::min(count, options_.workers.resolve());
  auto const first_of = [&](std::size_t chunk) {
    if (options_.chunk_size) return std::min(count, chunk * options_.chunk_size);
    return chunk * (count / chunks) + std::min(chunk, count % chunks);
  };
  auto const process = [&](std::size_t chunk) { return source_->process(first_of(chunk), first_of(chunk + 1) - first_of(chunk)); };

  storing storing(below());
  std::exception_ptr failure;
  if (chunks)
    for (auto& o : pmap(process, std::views::iota(std::size_t{0}, chunks), options_for_workers(options_)).outcomes()) {
      if (!o) failure = failure ? failure : o.error();
      if (failure && !options_.protect_work) break;
      if (!o) continue;
      for (auto& [key, value] : *o) storing.add({record_kind::value, std::move(key), std::move(value)});
      computed_ += o->size();
    }
  if (!failure) storing.add({record_kind::mark, complete, {}});
  storing.finish();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace procx::inline v1::detail
