#pragma once

#include <procx/version.hpp>

#include <procx/detail/pipeline/lines_file.hpp>
#include <procx/pipeline/destination.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {
namespace detail {

template <class Row>
class lines_store final : public batch_store<Row> {
 public:
  using writer = std::function<void(std::string& to, Row const& row)>;

  lines_store(std::string const& file, writer write, lines_destination_options const& options)
      : file_(file, options), write_(std::move(write)) {}

  done_parts load() override { return file_.done(); }
  void begin(done_parts&) override {}  // one program at a time has it
  void write(batch<Row> const& rows) override {
    text_.clear();
    for (Row const& row : rows.rows) {
      std::size_t const begin = text_.size();
      write_(text_, row);
      if (text_.find('\n', begin) != text_.npos) throw std::invalid_argument("a line that is to be written has a line feed in it");
      text_ += '\n';
    }
    file_.append(text_);
  }
  void commit(std::span<done_parts::change const> changes) override { file_.commit(changes); }
  void roll_back() noexcept override { file_.roll_back(); }
  bool is_usable() const noexcept override { return file_.is_usable(); }

 private:
  lines_file file_;
  writer const write_;
  std::string text_;  // of the batch
};

}  // namespace detail

/// A file of lines as the destination of a pipeline: see `destination`.
///
/// What is done, and how long the file was then, stands in a journal beside it, `<file>.cursors`. When the file is opened, it is cut to
/// the length that was committed last. It is made if it is not there; to begin anew, both are removed.
/// Errors: destination_error if the file has content but no journal, is shorter than its journal says, is open in another program for
/// longer than `patience`, or cannot be written: then it is cut to what was committed.
/// \code
/// px::lines_destination<visit> out("visits.csv", [](visit const& v) { return v.path + ',' + std::to_string(v.status); });
/// \endcode
template <class Row = std::string>
class lines_destination : public destination<Row> {
 public:
  /// `line` makes the line of a row, without its end.
  template <class F>
    requires std::invocable<F&, Row const&>
  lines_destination(std::string const& file, F line, lines_destination_options const& options = {})
      : destination<Row>(std::make_unique<detail::lines_store<Row>>(
                             file, [line = std::move(line)](std::string& to, Row const& row) mutable { to += line(row); }, options),
                         options.commit) {}
  /// Each row is a line.
  explicit lines_destination(std::string const& file, lines_destination_options const& options = {})
    requires std::convertible_to<Row const&, std::string_view>
      : lines_destination(file, [](Row const& row) { return std::string_view(row); }, options) {}
};

}  // namespace procx::inline v1
