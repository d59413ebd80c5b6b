// Runs a fuzz target without a fuzzer: on every file of a corpus, and on changes to them that are the same each time.
//
//   replay CORPUS [CHANGES]      CHANGES for each file, 200 if not said

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

using bytes = std::vector<std::uint8_t>;

void feed(bytes const& input)
{
    // A block of its own, of exactly this size: a sanitizer then sees the first byte read beyond it.
    auto copy = std::make_unique<std::uint8_t[]>(input.size());
    std::copy(input.begin(), input.end(), copy.get());
    LLVMFuzzerTestOneInput(copy.get(), input.size());
}

bytes read(std::filesystem::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in)
        throw std::runtime_error("cannot read " + file.string());
    return bytes(std::istreambuf_iterator<char>(in), {});
}

/// One to three of: a bit flipped, a byte set to an extreme, a byte removed, the end cut off, a piece repeated.
bytes changed(bytes input, std::minstd_rand& random)
{
    auto const below = [&](std::size_t n) { return static_cast<std::ptrdiff_t>(random() % n); };
    for (auto changes = 1 + below(3); changes != 0 && !input.empty(); --changes) {
        auto const at = input.begin() + below(input.size());
        switch (below(5)) {
        case 0: *at ^= static_cast<std::uint8_t>(1 << below(8)); break;
        case 1: *at = below(2) == 0 ? 0x7f : 0xff; break;
        case 2: input.erase(at); break;
        case 3: input.erase(at, input.end()); break;
        default: {
            bytes const piece(at, at + std::min<std::ptrdiff_t>(8, input.end() - at));
            input.insert(at, piece.begin(), piece.end());
        }
        }
    }
    return input;
}

} // namespace

int main(int argc, char** argv)
try {
    if (argc < 2)
        throw std::runtime_error("usage: replay CORPUS [CHANGES]");
    int const changes = argc > 2 ? std::atoi(argv[2]) : 200;

    std::vector<std::filesystem::path> files;
    for (auto const& entry : std::filesystem::directory_iterator(argv[1]))
        if (entry.is_regular_file())
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.empty())
        throw std::runtime_error(std::string("nothing in ") + argv[1]);

    feed({});
    for (auto const& file : files) {
        std::printf("%s and %d changes\n", file.c_str(), changes);
        std::fflush(stdout); // a crash must leave the name of the file that caused it
        auto const input = read(file);
        feed(input);
        std::minstd_rand random(1);
        for (int i = 0; i != changes; ++i)
            feed(changed(input, random));
    }
    std::printf("%zu files replayed\n", files.size());
    return EXIT_SUCCESS;
}
catch (std::exception const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return EXIT_FAILURE;
}
