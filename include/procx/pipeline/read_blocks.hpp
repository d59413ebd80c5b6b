#pragma once

#include <procx/version.hpp>

#include <procx/pipeline/emit.hpp>
#include <procx/pipeline/file_parts.hpp>
#include <procx/pipeline/text_block.hpp>

#include <functional>
#include <string>

namespace procx::inline v1 {

/// Reads a part of a file and calls `take` with its lines: with one block of a plain file, with one after the other of a compressed
/// one, each of `part_size` or a little more. What was done before is not given again. At last a compressed file gives a block without lines
/// that stands for its end: once that is done too, a later run need not read it.
/// Throws file_error if the file is not there any more, is another one, or has become shorter; if it is damaged or cut off, after
/// all whole lines before that place.
void for_each_block(file_part const& part, std::function<void(text_block)> const& take);

/// A stage that does so.
/// \code
/// auto p = px::pipeline().add_origin(px::read_blocks).add_task(parse).add_destination(std::ref(db), {.here = true});
/// p.start();
/// p.feed_chunk(px::file_parts(px::files({"logs/*.log"}), {.done = db.done()}));
/// \endcode
inline void read_blocks(file_part const& part, emit<text_block> out) {
  for_each_block(part, [&](text_block b) { out(std::move(b)); });
}

/// A stage that gives the lines one by one, without saying where they were.
inline void read_lines(file_part const& part, emit<std::string> out) {
  for_each_block(part, [&](text_block const& b) {
    for (text_line const& line : lines(b)) out(std::string(line.text));
  });
}

}  // namespace procx::inline v1
