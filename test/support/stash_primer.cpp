// stash_primer KIND DIR KEYS: primes a robust stash of squares in DIR, in a "directory" or with "sqlite", and writes down each
// computation in the file DIR/computed, a line each. Prints how many values it has had computed.
#include <procx/procx.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace px = procx;

namespace {

class squares : public px::stash_factory<long> {
 public:
  squares(std::filesystem::path const& list, int keys)
      : list_(::open(list.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)), keys_(keys) {}
  std::vector<std::string> keys() const override {
    std::vector<std::string> all;
    for (int i = 0; i < keys_; ++i) all.push_back(std::to_string(i));
    return all;
  }
  long load(std::string const& key) const override {
    std::string const line = key + '\n';
    if (::write(list_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) throw std::runtime_error("no list");
    ::usleep(200);
    return std::stol(key) * std::stol(key);
  }

 private:
  int list_;
  int keys_;
};

std::unique_ptr<px::stash<long>> store(std::string const& kind, std::filesystem::path const& in) {
  if (kind == "sqlite") return std::make_unique<px::sqlite_stash<long>>(in / "squares.db", "squares");
  return std::make_unique<px::directory_stash<long>>(in / "squares");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::filesystem::path const in = argv[2];
  px::multi_process_robust_stash<long> s(store(argv[1], in), std::make_unique<squares>(in / "computed", std::stoi(argv[3])),
                                         {.workers = 2});
  s.prime();
  std::cout << s.computed() << std::endl;
}
