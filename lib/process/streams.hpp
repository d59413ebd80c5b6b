#pragma once

namespace procx::inline v1::detail {

// What lies in the buffers of streams is written once, by the process that has put it there: each FILE of the C library,
// whoever opened it, and the standard streams of C++, whether or not they are synchronized with those. Of other streams
// of C++ nobody knows.

/// Writes what can be written before a fork. With threads about, a FILE that one of them holds is left out, since it may
/// hold it for as long as it likes, and so are the streams of C++, which have no locks to hold.
void flush_before_fork() noexcept;

/// In a child: what the flush above had to leave is the parent's to write. Waits for nobody, and calls nothing of the user's.
void forget_unwritten() noexcept;

/// Writes what this process has buffered on the standard streams; or on those and on each FILE, before it ends.
void flush_standard_streams() noexcept;
void flush_all_streams() noexcept;

}  // namespace procx::inline v1::detail
