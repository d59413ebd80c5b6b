#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace procx::inline v1 {

/// What has become of the items of a pipeline, when it is over: `in` + `added` = `out` + `dropped` + `failed` + `lost`.
struct pipeline_summary {
  std::uint64_t in = 0;       ///< items that were fed, or sent to it by another pipeline
  std::uint64_t added = 0;    ///< that stages which emit have made more of than they were given
  std::uint64_t out = 0;      ///< that have come through the last stage
  std::uint64_t dropped = 0;  ///< of which a stage has made nothing
  std::uint64_t failed = 0;   ///< that have failed in some stage
  std::uint64_t lost = 0;     ///< that were under way when the pipeline was stopped
};

/// An item that has failed.
struct pipeline_failure {
  std::string stage;         ///< where: the stage's name; several with "+" between them if it is not known which of them
  std::uint64_t item = 0;    ///< which of the items that were fed it was, or was made from: from 0
  std::exception_ptr error;  ///< why

  /// The reason as a sentence.
  std::string what() const;
};

}  // namespace procx::inline v1
