// expect: procx: this callable takes a T&, but arguments arrive as temporaries; let it take a T or a T const&, and return what it has changed

#include <procx/procx.hpp>

void sort(std::vector<int>& numbers);
void run(procx::process_pool& pool, std::vector<int>& numbers) { pool.post(sort, numbers); }
