// Runs every plan that open accepts, on exactly the memory it states.
#include "test/fuzz/plan_run.h"
#include "test/fuzz/plan_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)llmc::fuzz::runEverything({data, size});
  return 0;
}
