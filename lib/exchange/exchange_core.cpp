#include "exchange/exchange_core.hpp"

#include "process/process_state.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <new>
#include <set>
#include <stdexcept>
#include <utility>

namespace procx::inline v1::detail {
namespace {

event_loop make_loop(std::optional<boost::asio::any_io_executor> executor) {
  return executor ? event_loop(std::move(*executor)) : event_loop();
}

}  // namespace

exchange_core::exchange_core(exchange& owner, exchange_options const& options,
                             std::optional<boost::asio::any_io_executor> executor)
    : owner_(&owner),
      options_(options),
      limit_(options.limit ? options.limit->resolve() : options.reuse ? available_cores() : 0),
      loop_(make_loop(std::move(executor))),
      by_hand_(loop_.is_private()),
      ticker_(loop_.executor()),
      leaving_timer_(loop_.executor()) {
  if (options.limit && options.limit->is_here())
    throw std::invalid_argument("an exchange is made of other processes: px::here is none");
  if (options.reuse && options.continuous)
    throw std::invalid_argument("a process that is reused gives one result a task: it cannot be continuous");
}

exchange_core::~exchange_core() {
  worker_tasks_.reset();
  workers_.reset();
  for (member& m : members_)
    if (m.ch.kill(SIGKILL)) m.ch.core().child().wait();
  members_.clear();
  bury_removed();
  auto const until = std::chrono::steady_clock::now() + channel_core::dying_time;
  for (process& p : leaving_) see_off(p, until);
}

void exchange_core::disown() {
  owner_ = nullptr;
  if (waiter_) cancel_wait(waiter_->id);
}

channel& exchange_core::add(channel ch) { return watch_channel(std::move(ch), next_index_++).ch; }

exchange_core::member& exchange_core::watch_channel(channel ch, std::size_t index) {
  ch.core().tag = index;
  ch.core().end_async();  // a reactor takes each descriptor once, and the watch is to have them
  member& m = members_.emplace_back(std::move(ch), loop_.executor());
  try {
    m.watch.emplace(m.ch.core(), loop_.executor(), [this, &m] { on_event(m); });
  } catch (...) {  // it cannot be waited for: its task is none of ours
    if (m.ch.kill(SIGKILL)) m.ch.core().child().wait();
    members_.pop_back();
    throw;
  }
  classify(m);
  // Nothing is told to the owner from here: it is calling.
  if (m.in_ready && !loop_.is_private()) boost::asio::post(loop_.executor(), [self = weak_from_this()] {
      if (auto const core = self.lock(); core && !core->foreign()) core->on_ready();
    });
  return m;
}

channel exchange_core::remove(channel& ch) {
  auto const found = std::ranges::find_if(members_, [&](member const& m) { return &m.ch == &ch; });
  if (found == members_.end() && std::ranges::any_of(stand_ins_, [&](auto const& stand_in) { return &stand_in.second == &ch; }))
    throw std::invalid_argument("the process is reused for other tasks: its channel stays in the exchange");
  if (found == members_.end()) throw std::invalid_argument("the channel is not in the exchange");
  std::erase(ready_, &*found);
  std::erase(reported_, &*found);
  found->left = true;
  found->watch.reset();
  channel out = std::move(found->ch);
  taken_out_.splice(taken_out_.end(), members_, found);
  go_on_soon();  // there is room for another, or nothing left to wait for
  return out;
}

void exchange_core::on_event(member& m) {
  if (m.left || foreign()) return;
  classify(m);
  if (!loop_.is_private()) on_ready();
}

/// Whether there is something to receive, or to be told, from this channel.
void exchange_core::classify(member& m) {
  if (m.in_ready || m.shown) return;
  channel_core& core = m.ch.core();
  bool tell = false;
  try {
    core.pump();
    tell = core.has_message();
  } catch (boost::system::system_error const&) {
    tell = m.faulty = true;  // receive will throw it again
  } catch (std::bad_alloc const&) {
    tell = m.faulty = true;  // likewise: there is no memory for what it sends
  }
  if (!tell && core.over()) {
    bool const dying = !core.ended_orderly() && core.child() && !core.child().try_wait();
    if (dying && !core.given_up) return wait_for_death(m);
    tell = true;
  }
  if (!tell) return m.watch->arm();
  m.in_ready = true;
  ready_.push_back(&m);
}

/// The channel broke off and the process is still there: it will be dead in a moment, or it has closed its channel and
/// lives on. The pidfd tells the one, this timer the other.
void exchange_core::wait_for_death(member& m) {
  m.dying.expires_after(channel_core::dying_time);
  m.dying.async_wait([this, &m, alive = std::weak_ptr(m.alive)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    m.ch.core().given_up = true;
    on_event(m);
  });
}

/// Out of the members; it is kept for a while, for those who were told of it.
void exchange_core::leave(member& m) {
  m.left = true;
  if (m.faulty) m.ch.kill(SIGKILL);
  auto const at = std::ranges::find_if(members_, [&](member const& other) { return &other == &m; });
  removed_.splice(removed_.end(), members_, at);
}

exchange::channel_list exchange_core::active() {
  exchange::channel_list all;
  for (member& m : members_) all.push_back(m.ch);
  if (!workers_) return all;
  std::set<pid_t> pids;
  for (worker_name const& w : workers_->busy_workers()) pids.insert(static_cast<pid_t>(w.process));
  for (auto const& [pid, results] : kept_)
    if (has_untaken(pid, results)) pids.insert(pid);
  for (pid_t const pid : pids) all.push_back(stand_in_for(pid));
  return all;
}

exchange::channel_list exchange_core::removed() {
  exchange::channel_list all;
  for (member& m : removed_) all.push_back(m.ch);
  return all;
}

std::size_t exchange_core::waiting() const noexcept {
  return waiting_.size() + delayed_.size() + (workers_ ? workers_->unassigned() : 0);
}

bool exchange_core::unfinished() const noexcept {
  return !members_.empty() || !waiting_.empty() || !delayed_.empty() || (workers_ && !workers_->idle()) ||
         !arrived_.empty() || keeps_any() || (loop_.is_private() && !escaped_.empty());
}

bool exchange_core::busy() const noexcept {
  std::size_t const others = workers_ ? workers_->busy_workers().size() : 0;
  return limit_ && members_.size() + others >= limit_;
}

bool exchange_core::store(deadline until) {
  throw_escaped();
  look_again();
  std::uint64_t const before = stored_;
  show_kept();  // and what has come while another was shown, who waits here
  start_waiting();
  while (!under_way() && see_one_leave()) start_waiting();
  auto const any_stored = [&] { return stored_ != before; };
  if (!unfinished()) return any_stored();
  bool const any = loop_.run_until([&] { return any_stored() || !escaped_.empty() || !ready_.empty() || must_cancel(); }, until);
  process_ready();
  cancel_waiting();
  start_waiting();
  if (!unfinished()) see_all_off();
  throw_escaped();
  return any;
}

/// On the user's executor perhaps nobody ever asks, and who does is told of the first.
void exchange_core::note_escaped(std::exception_ptr what) {
  if (loop_.is_private() || escaped_.empty()) escaped_.push_back(std::move(what));
}

void exchange_core::throw_escaped() {
  if (escaped_.empty()) return;
  auto const first = std::move(escaped_.front());
  escaped_.pop_front();
  std::rethrow_exception(first);
}

void exchange_core::process_ready() {
  while (!ready_.empty()) {
    member& m = *ready_.front();
    ready_.pop_front();
    store_from(m);
  }
}

void exchange_core::on_ready() {
  if (!owner_) return;
  process_ready();
  start_or_note();
  // Not now: the handler that is running may belong to one of those.
  if (!removed_.empty() || !taken_out_.empty()) go_on_soon();
  complete_waits();
}

/// On the user's executor: what nobody is waiting in a function for.
void exchange_core::go_on_soon() {
  if (loop_.is_private()) return;
  boost::asio::post(loop_.executor(), [self = weak_from_this()] {
    auto const core = self.lock();
    if (!core || core->foreign()) return;
    core->bury_removed();
    core->start_or_note();
    core->complete_waits();
  });
}

void exchange_core::store_from(member& m) {
  channel_core& core = m.ch.core();
  m.in_ready = false;
  bool const message = m.faulty || core.has_message();
  bool const exception = !m.faulty && core.next_is_exception();
  bool const died = !message && !core.ended_orderly();
  if (died) explain_death(m);
  if ((exception || died) && tries_again(m, exception)) return leave(m);
  m.shown = true;
  if (message || !core.ended_orderly())
    show(m.ch, &exchange::store_data);
  else if (m.expects_result && !options_.continuous)
    show(m.ch, &exchange::store_end);
  bool const stays = !m.left && message && !m.faulty && (options_.continuous || (!exception && go_on(m)));
  m.shown = false;
  if (m.left) return;  // the owner has removed it
  stays ? classify(m) : leave(m);
}

void exchange_core::show(channel& from, void (exchange::*how)(channel&)) {
  ++stored_;
  try {
    (owner_->*how)(from);
  } catch (...) {
    note_escaped(std::current_exception());
  }
}

void exchange_core::send_no_more(channel& to) {
  try {
    to.send(std::optional<std::tuple<>>());
  } catch (error const&) {
    // It has ended by itself.
  }
}

/// The process of a callable has given its result: the next parameters, if the callable is reusable, or word that there are no
/// more. One that has thrown takes none.
bool exchange_core::go_on(member& m) {
  m.expects_result = false;
  // A process that was asked to end may do so a moment later, at whatever it is then.
  if (!options_.reuse || !m.at.task || m.killed_for) return false;
  bool const more = !waiting_.empty() && waiting_.front().task->id() == m.at.task->id() && !must_cancel() && !used_up(m);
  if (!more) {
    send_no_more(m.ch);
    return false;
  }
  waiting_job next = std::move(waiting_.front());  // out of the queue: `serialize` may start others
  waiting_.pop_front();
  try {
    next.task->send_parameters(m.ch);
  } catch (error const&) {
    waiting_.push_front(std::move(next));  // the process has ended; what waits goes to another
    return false;
  } catch (...) {  // they cannot be sent: a process of its own inherits them
    waiting_.push_front(std::move(next));
    send_no_more(m.ch);
    return false;
  }
  begin(m, std::move(next));
  return true;
}

std::uint64_t exchange_core::start_wait(std::unique_ptr<operation>&& op, bool for_all) {
  if (waiter_) {
    op->complete({std::make_exception_ptr(boost::system::system_error(errc::busy)), {}});
    return 0;
  }
  waiter_ = {next_wait_, std::move(op), for_all};
  start_or_note();
  complete_waits();
  return next_wait_++;
}

void exchange_core::cancel_wait(std::uint64_t id) {
  if (!waiter_ || waiter_->id != id) return;
  auto const op = std::move(waiter_->op);
  waiter_.reset();
  op->complete({std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)), {}});
}

void exchange_core::complete_waits() {
  if (!waiter_ || !owner_) return;
  bool const stuck = !escaped_.empty() && !under_way();
  bool const done = !unfinished() || stuck || (!waiter_->for_all && owner_->has_result());
  if (!done) return;
  auto const op = std::move(waiter_->op);
  waiter_.reset();
  std::exception_ptr const first = escaped_.empty() ? nullptr : std::exchange(escaped_, {}).front();
  op->complete({first, {}});
}

}  // namespace procx::inline v1::detail
