#pragma once

namespace bench {

/// How far the memory of this process has grown since then at most, whatever it holds by now.
class memory_growth {
 public:
  memory_growth();
  double mib() const;

 private:
  double before_;
};

/// What the system could still give to processes, in MiB.
double available_mib();

}  // namespace bench
