// expect: procx: member 2 of a struct: a std::function cannot be sent, since nobody knows what it holds
#include <procx/procx.hpp>

#include <functional>

struct step {
  int number;
  std::function<int(int)> run;
};
step next(int number) { return {number, {}}; }
void run(std::vector<int> const& numbers) {
  for (step const& s : procx::pmap(next, numbers)) (void)s;
}
