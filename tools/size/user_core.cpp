// The smallest program that runs plans: open with all its checks, bind, run.
#include "runtime/exec/session.h"

using namespace llmc::rt;

// Nothing here is known to the compiler.
llmc_source source;
Span<uint8_t> resident;
Bindings bindings;
Call call;
Plan plan;
Session session;

extern "C" void start() {
  if (Plan::open(source, resident, &plan).ok() && session.bind(plan, bindings).ok())
    (void)session.run(call);
}
