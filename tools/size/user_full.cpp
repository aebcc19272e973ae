// Every function of plans, sessions and language models, digests and paging among them.
#include "runtime/lm/lm.h"
#include "runtime/plan/checked_source.h"
#include "runtime/plan/source.h"

using namespace llmc::rt;

llmc_source source;
llmc_platform platform;
Span<uint8_t> resident;
Bindings bindings;
Call call;
Plan plan;
Session session;
Lm lm, other;
Span<const int32_t> ids;
Logits logits;
LogitsFn toEach;
WriteFn write;
ReadFn read;
void *pointer;
llmc_memory memory;
llmc_operand_view view;
uint64_t bytes;
uint32_t number;
volatile uint32_t results;

static void take(Status status) { results = results + status.code; }

extern "C" void start() {
  source = memorySource(pointer, bytes);
  take(Plan::residentBytes(source, &bytes));
  take(Plan::open(source, resident, &plan));
  take(plan.checkRoot(platform));
  take(plan.checkSignature(platform));
  take(plan.regionFileOffset(number, &bytes));
  static CheckedSource checked(source);
  take(checked.workBytes(plan, number, &bytes));
  take(checked.check(plan, platform, resident));
  take(plan.checkSegment(number, pointer, platform));
  take(plan.mapRegion(number, const_cast<const void **>(&pointer)));
  take(plan.loadRegion(number, memory, &platform));
  take(session.bind(plan, bindings));
  take(session.run(call));
  take(session.begin(call));
  take(session.poll());
  take(session.cancel());
  take(session.setParam(number, number));
  take(session.truncate(number));
  take(session.view(number, &view));
  take(session.stateMemory(number, number, &memory));
  take(session.adopt(number));
  take(session.poison(Status()));
  take(session.reset());
  take(lm.init(session));
  take(lm.feed(ids, &logits));
  take(lm.evaluate(ids, toEach, pointer));
  take(lm.start(ids, toEach, pointer));
  take(lm.poll());
  take(lm.cancel());
  take(lm.truncate(number));
  take(lm.reset());
  take(lm.save(write, pointer));
  take(lm.restore(read, pointer));
  take(lm.fork(other, number));
}
