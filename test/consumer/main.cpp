#include <procx/procx.hpp>

namespace px = procx;

int main()
{
    px::channel twice = px::start([](px::channel& up, int n) { up.send(n * 2); }, 21);
    return twice.receive<int>() == 42 ? 0 : 1;
}
