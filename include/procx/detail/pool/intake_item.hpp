#pragma once

#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/memory/slab.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/wire/archive.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// What is put into an intake: the arguments of a task, or a value that only keeps its place in a queue.
struct intake_item {
  /// Their number in `arguments_length_size` bytes, and then they; the caller's. `copy_padding` bytes behind them may be
  /// read too.
  std::span<std::byte const> bytes;
  bool is_task = false;
  task_head head = {};         ///< what is called
  slab_sink* slabs = nullptr;  ///< the caller's too; what it has collected is taken when the item gets its place

  bool has_slabs() const noexcept { return slabs && !slabs->empty(); }
  /// Of what the user has written, and in shared memory.
  std::size_t size() const noexcept { return bytes.size() - arguments_length_size + (slabs ? slabs->bytes() : 0); }
};

/// What a thread uses again and again to encode into.
struct encoding_space {
  buffer bytes;
  slab_sink slabs;

  /// Empty; this thread's own, until it is given back: what is encoded may itself encode something.
  static encoding_space* take() {
    encoding_space* const mine = std::exchange(spare, nullptr);
    return mine ? mine : make();
  }
  void give_back() noexcept {
    bool const keep = !spare && slabs.empty() && bytes.capacity() <= kept;
    if (!keep) [[unlikely]] return end();
    bytes.clear();
    spare = this;
  }

 private:
  static constexpr std::size_t kept = std::size_t{1} << 20;
  static constinit thread_local encoding_space* spare;  // a plain pointer: no access asks whether it was initialized

  static encoding_space* make();
  void end() noexcept;
  struct end_of_thread;
};

/// An item as bytes in this thread's memory, for as long as this object lives.
class encoded_item {
 public:
  /// A task that calls this; `write(archive)` writes its arguments. `gives`: what it refers to in shared memory may be given
  /// away with it, because it is run once at most.
  template <class Write>
  encoded_item(task_head const& head, bool gives, Write write) {
    space_->slabs = slab_sink(gives);
    item_.is_task = true;
    item_.head = head;
    item_.slabs = &space_->slabs;
    space_->bytes.extend(arguments_length_size);
    output_archive out(space_->bytes, &space_->slabs);
    write(out);
    finish();
  }
  /// A value that is not run; `write(buffer)` writes it.
  template <class Write>
  explicit encoded_item(Write write) {
    space_->bytes.extend(arguments_length_size);
    write(space_->bytes);
    finish();
  }
  encoded_item(encoded_item const&) = delete;
  encoded_item& operator=(encoded_item const&) = delete;

  /// Calls it with the item.
  template <class Use>
  auto use(Use use) const {
    return use(item_);
  }

 private:
  void finish() {
    buffer& bytes = space_->bytes;
    bytes.reserve(bytes.size() + copy_padding);
    std::uint64_t const size = bytes.size() - arguments_length_size;
    std::memcpy(bytes.data(), &size, sizeof size);
    item_.bytes = bytes;
  }

  struct back {
    void operator()(encoding_space* space) const noexcept { space->give_back(); }
  };
  std::unique_ptr<encoding_space, back> space_{encoding_space::take()};
  intake_item item_;
};

/// An item with bytes of its own, for one that has to wait for its place. It takes what the item has in shared memory.
class stored_item {
 public:
  explicit stored_item(intake_item const& item) : item_(item) {
    bytes_.reserve(item.bytes.size() + copy_padding);
    bytes_.append(item.bytes.data(), item.bytes.size());
    if (item.slabs) slabs_ = std::exchange(*item.slabs, slab_sink());
  }

  std::size_t size() const noexcept { return bytes_.size() - arguments_length_size + slabs_.bytes(); }
  /// Calls it with the item.
  template <class Use>
  auto use(Use use) {
    item_.bytes = bytes_;
    item_.slabs = &slabs_;
    return use(std::as_const(item_));
  }

 private:
  buffer bytes_;
  slab_sink slabs_;
  intake_item item_;
};

/// An item that can be kept for an operation which begins later: one that lies in this thread's memory gets bytes of its own.
inline stored_item kept_item(encoded_item const& item) {
  return item.use([](intake_item const& i) { return stored_item(i); });
}

}  // namespace procx::inline v1::detail
