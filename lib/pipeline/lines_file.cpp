#include <procx/detail/pipeline/lines_file.hpp>

#include "pipeline/cursor_journal.hpp"
#include "pipeline/output_file.hpp"

#include <procx/pipeline/destination.hpp>

#include <utility>

#include <unistd.h>

namespace procx::inline v1::detail {

class lines_file::state {
 public:
  state(std::string const& path, lines_destination_options const& options)
      : path_(path), options_(options), journal_(path + ".cursors", options.patience), file_(open_output(path)) {
    std::uint64_t const size = size_of(file_, path_);
    if (journal_.empty() && size > 0)
      throw destination_error(errc::protocol_error, path_, "has content, but no journal (" + path_ + ".cursors) that says what is in it");
    if (std::uint64_t const length = journal_.length(); size < length && !journal_.go_back(size))
      throw destination_error(errc::protocol_error, path_,
                              "is shorter than its journal (" + path_ + ".cursors) says: " + std::to_string(size) + " bytes instead of " +
                                  std::to_string(length) + "; to begin anew, remove both");
    if (journal_.empty()) journal_.append({}, options_.durable);  // from here on what is in the file is ours
    committed_ = end_ = journal_.length();
    if (size > end_) cut(file_, end_, path_);
    done_ = journal_.done();
  }

  done_parts const& done() const noexcept { return done_; }
  bool is_usable() const noexcept { return usable_; }
  void append(std::string_view text) {
    guarded([&] { write_at(file_, end_, std::as_bytes(std::span(text)), path_); });
    end_ += text.size();
  }
  void commit(std::span<done_parts::change const> changes) {
    if (changes.empty() && end_ == committed_) return;
    guarded([&] {
      if (options_.durable) sync(file_, path_);
      journal_.append({end_, {changes.begin(), changes.end()}}, options_.durable);
    });
    committed_ = end_;
    if (journal_.is_long()) compact();
  }
  void roll_back() noexcept {
    if (end_ != committed_) static_cast<void>(::ftruncate(file_.get(), static_cast<off_t>(committed_)));  // else the next one to open it does
    end_ = committed_;
  }

 private:
  /// A long journal does as well.
  void compact() noexcept try {
    sync(file_, path_);  // a single record is nothing to go back from
    journal_.compact();
  } catch (std::exception const&) {
  }
  template <class Work>
  void guarded(Work const& work) try {
    work();
  } catch (...) {
    usable_ = false;
    throw;
  }

  std::string const path_;
  lines_destination_options const options_;
  cursor_journal journal_;
  descriptor file_;
  done_parts done_;  // when it was opened
  std::uint64_t committed_ = 0, end_ = 0;
  bool usable_ = true;
};

lines_file::lines_file(std::string const& file, lines_destination_options const& options)
    : state_(std::make_unique<state>(file, options)) {}
lines_file::~lines_file() = default;

done_parts const& lines_file::done() const { return state_->done(); }
void lines_file::append(std::string_view text) { state_->append(text); }
void lines_file::commit(std::span<done_parts::change const> changes) { state_->commit(changes); }
void lines_file::roll_back() noexcept { state_->roll_back(); }
bool lines_file::is_usable() const noexcept { return state_->is_usable(); }

}  // namespace procx::inline v1::detail
