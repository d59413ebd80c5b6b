#include "pipeline/explanation.hpp"

namespace procx::inline v1::detail {

std::string explanation_of(std::string const& name, std::vector<std::unique_ptr<segment>> const& segments,
                           std::uint64_t came, std::vector<std::size_t> const& lengths) {
  std::string text = "pipeline" + (name.empty() ? std::string() : " \"" + name + '"') + ":\n";
  std::size_t longest = 0;
  for (std::size_t k = 0; k < segments.size(); ++k) {
    segment const& s = *segments[k];
    text += "  " + s.name() + ", " + s.workers() + (s.is_ordered() ? ", in order" : "") + ": " + std::to_string(came) +
            " in, " + std::to_string(s.out) + " out";
    if (s.dropped > 0) text += ", " + std::to_string(s.dropped) + " dropped";
    if (s.failed > 0) text += ", " + std::to_string(s.failed) + " failed";
    if (lengths[k] > 0) text += ", " + std::to_string(lengths[k]) + " under way";
    text += '\n';
    came = s.out;
    if (lengths[k] > lengths[longest]) longest = k;
  }
  if (lengths[longest] > 0)
    text += "  The bottleneck is " + segments[longest]->name() + ", where most items are: " +
            (segments[longest]->is_here() ? "it runs here, one item after the other.\n" : "more processes for it may help.\n");
  return text;
}

}  // namespace procx::inline v1::detail
