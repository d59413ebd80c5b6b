#include "dispatch/lane.hpp"

#include <procx/error/exceptions.hpp>

#include <cstring>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// Bytes in shared memory are handed over without being moved: a worker may have more of them.
constexpr std::size_t slab_weight = 4;

}  // namespace

lane::lane(dispatcher& d, task_sink& sink, double weight, order o)
    : dispatcher_(d), number_(d.open_lane(sink, weight, o == order::serial)), open_blocks_(d.runs_once()) {}

lane::~lane() { dispatcher_.close_lane(number_); }

std::size_t lane::room() const { return dispatcher_.room(number_); }
bool lane::short_of_tasks() const { return dispatcher_.short_of_tasks(number_); }
bool lane::wants_one() const { return dispatcher_.wants_one(number_); }

void lane::refuse_task() {
  std::size_t const size = tasks().open_size() + open_blocks_.bytes();
  abandon_task();
  throw_too_large("a task", size, dispatcher_.settings_.frame_limit);
}

void lane::add_task(std::uint64_t id, packed_task task) {
  open_head_ = task.head;
  tasks().begin().append(task.bytes.data(), task.bytes.size());
  open_blocks_.adopt(std::move(task.slabs), task.slab_bytes);
  commit_task(id);
}

void lane::attach_blocks(task_run& task, slab_sink& blocks) {
  std::size_t const bytes = blocks.bytes(), weight = task.weight + bytes / slab_weight;
  tasks().attach(task, blocks.take(), bytes);
  task.weight = static_cast<std::uint32_t>(std::min<std::size_t>(weight, ~std::uint32_t{0}));
}

void lane::add_values(std::uint64_t first_id, value_series const& values, task_head const& head) {
  std::size_t const length = arguments_length_size + values.length;
  for (value_series left = values; left.count > 0;) {
    auto const room = tasks().begin_many(length, left.count);
    std::uint64_t const size = values.length;
    std::byte* at = room.at;
    for (std::size_t i = 0; i < room.count; ++i, at += length) {
      std::memcpy(at, &size, sizeof size);
      std::memcpy(at + arguments_length_size, left.payload(i).data(), size);
    }
    enter(tasks().commit_many(number_, first_id, length, room.count, head));
    first_id += room.count;
    left.drop_front(room.count);
  }
}

void lane::add_parts(std::uint64_t first_id, std::span<std::byte const> parts, std::size_t count, task_head const& head) {
  if (count == 0) return;
  buffer bytes(parts);
  task_store::position at = adopt(bytes);
  while (count > 0) {
    std::uint32_t const added = add_tasks(at, static_cast<std::uint32_t>(count), head, first_id);
    first_id += added;
    count -= added;
  }
  all_added(at);
}

std::uint32_t dispatcher::open_lane(task_sink& sink, double weight, bool serial) {
  std::uint32_t const number = schedule_.open_lane(weight, serial);
  if (number >= lanes_.size()) lanes_.resize(number + 1);
  news_.reserve(lanes_.size());
  lanes_[number] = {.sink = &sink};
  return number;
}

/// What waits is dropped; what is on workers is forgotten when it comes.
void dispatcher::close_lane(std::uint32_t number) noexcept {
  lanes_[number].sink = nullptr;
  while (schedule_.pending(number) > 0) tasks_.erase(schedule_.drop_front(number));
  delayed_.remove_all(number, [this](task_run const& task) { tasks_.erase(task); });
  std::erase_if(cancelled_later_, [=](cancelled_task const& t) { return t.lane == number; });
  std::erase_if(given_up_, [=, this](hopeless_tasks const& h) {
    if (h.tasks.lane != number) return false;
    tasks_.erase(h.tasks);
    return true;
  });
  schedule_.close_lane(number);
}

/// After tasks have come back from workers: nobody wants those of lanes that were closed meanwhile.
void dispatcher::drop_ownerless() noexcept {
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
    while (!lanes_[lane].sink && schedule_.pending(lane) > 0) tasks_.erase(schedule_.drop_front(lane));
}

dispatcher::lane_entry& dispatcher::news_for(std::uint32_t lane) {
  lane_entry& l = lanes_[lane];
  if (!std::exchange(l.has_news, true)) news_.push_back(lane);
  return l;
}

/// As the last thing that a handler does.
void dispatcher::tell_progress() {
  if (news_.empty()) return pump();
  auto const alive = std::weak_ptr(alive_);
  bool told = false;
  for (std::size_t i = 0; i < news_.size(); ++i) {
    lane_entry& l = lanes_[news_[i]];
    l.has_news = false;
    if (i + 1 == news_.size()) news_.clear();
    if (!l.sink) continue;
    told = true;
    l.sink->on_progress();
    if (alive.expired()) return;
  }
  if (!told) pump();  // all the news is of lanes that were closed
}

void dispatcher::on_broken(std::exception_ptr why) noexcept {
  auto const alive = std::weak_ptr(alive_);
  for (std::size_t i = 0; i < lanes_.size() && !alive.expired(); ++i)
    if (lanes_[i].sink) lanes_[i].sink->on_broken(why);
}

}  // namespace procx::inline v1::detail
