// expect: procx: this callable takes a T&, but arguments arrive as temporaries; let it take a T or a T const&, and return what it has changed

#include <procx/procx.hpp>

void sort(std::vector<int>& numbers);
void run(std::vector<std::vector<int>>& lists) { procx::for_each(sort, lists); }
