// expect: procx: member 2 of a struct: this class cannot be sent, since its members cannot be seen; add to it: template <class A> void serialize(A& a, unsigned) {
#include <procx/procx.hpp>

class account {
 public:
  long long cents() const { return cents_; }

 private:
  long long cents_ = 0;
};
struct customer {
  std::string name;
  std::map<int, account> accounts;
};
int count(customer const& c) { return static_cast<int>(c.accounts.size()); }
void run(std::vector<customer> const& customers) {
  for (int n : procx::pmap(count, customers)) (void)n;
}
