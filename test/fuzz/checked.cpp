// Which check is switched off: the number in LLMC_DEFECT, or none.
#include <cstdlib>

namespace llmc::fuzz {

bool checked(unsigned check);

bool checked(unsigned check) {
  static const char *const defect = std::getenv("LLMC_DEFECT");
  static const unsigned off = defect ? unsigned(std::strtoul(defect, nullptr, 10)) : ~0u;
  return check != off;
}

} // namespace llmc::fuzz
