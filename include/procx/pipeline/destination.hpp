#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/destination_core.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/pipeline/cursor.hpp>

#include <memory>
#include <string>
#include <utility>

namespace procx::inline v1 {

/// A destination cannot be opened or written. What was committed before is there, as a whole; the rest is not, and another run does it.
/// `what()` names the destination and the reason; `code()` is `errc::busy` if another program has it locked for too long.
class destination_error : public error {
 public:
  destination_error(boost::system::error_code code, std::string const& what, std::string const& why) : error(code, what + ": " + why) {}
};

/// What a destination writes to, in transactions: to be derived for one that procx has not. One thread at a time calls it.
template <class Row>
class batch_store : public detail::transaction_store {
 public:
  /// Writes the rows of a batch, within the transaction. Throws if they cannot be written: then none of them is, and `is_usable` says
  /// whether the transaction and what was written in it before are still good.
  virtual void write(batch<Row> const& rows) = 0;
};

/// The last stage of a pipeline, that writes batches: their rows and the parts of the input they were made of, in the same
/// transaction, so that a run which is killed and started again leaves each row exactly once. The parts may come in any order. One
/// that was done already, by an earlier run or another program, is passed over.
///
/// It is made before the pipeline and outlives it, and the stage runs in the process that has made it:
/// \code
/// p.add_destination(std::ref(db), {.here = true});
/// \endcode
/// Several batches are one transaction, as `commit_options` say; the last one is committed before `join` returns, which throws if that
/// goes wrong.
///
/// A batch that cannot be written for a reason of its own (a constraint, a number out of range) fails as an item, and no other. When
/// the destination itself breaks (locked, no space, no connection), the transaction is rolled back, and that batch and all later
/// ones fail, with the same error; so does `finish`.
/// Thread-safe. In a forked child it throws, with `errc::foreign_process`. The destructor commits, if it can.
template <class Row>
class destination {
 public:
  destination(std::unique_ptr<batch_store<Row>> store, commit_options const& options)
      : store_(*store), core_(std::move(store), options) {}

  void operator()(batch<Row> const& rows) {
    core_.put(rows.from, rows.rows.size(), [&] { store_.write(rows); });
  }
  /// Which parts of the input are done, for `file_parts`: those of earlier runs, and of this one, committed or not.
  done_parts done() const { return core_.done(); }
  /// Commits what was written; the stage does so at its end. Throws what that throws, and what has broken the destination before.
  void finish() { core_.finish(); }
  /// How many batches were passed over because they had been done before.
  std::size_t repeated() const { return core_.repeated(); }

 private:
  batch_store<Row>& store_;
  detail::destination_core core_;
};

}  // namespace procx::inline v1
