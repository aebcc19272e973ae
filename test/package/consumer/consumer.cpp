// A program outside the tree: every part of the package is included and linked.
#include <cstdio>

#include "runtime/lm/lm.h"
#include "runtime/lm/sampler.h"
#include "runtime/plan/source.h"
#include "runtime/tokenizer/tokenizer.h"

using namespace llmc::rt;

static int failures = 0;
static void expect(const char *what, Status status, Code code) {
  if (status.code == code)
    return;
  std::printf("%s gives %u, not %u\n", what, status.code, unsigned(code));
  ++failures;
}

int main() {
  alignas(16) static unsigned char bytes[128] = {'L', 'L', 'M', 'C', 'P', 'L', 'A', 'N', 9};
  llmc_source source = memorySource(bytes, sizeof(bytes));
  Plan plan;
  expect("a plan of format 9", Plan::open(source, {}, &plan), LLMC_BAD_VERSION);
  bytes[0] = 'l';
  expect("no plan", Plan::open(source, {}, &plan), LLMC_BAD_MAGIC);

  Session session;
  expect("an unbound session", session.run(Call()), LLMC_WRONG_STATE);
  Lm lm;
  expect("a model on an unbound session", lm.init(session), LLMC_WRONG_STATE);
  Sampler sampler;
  SamplerOptions options;
  options.topP = 2;
  expect("top-p of 2", sampler.init(options), LLMC_INVALID_ARGUMENT);
  Tokenizer tokenizer;
  expect("no tokenizer", Tokenizer::open({bytes, sizeof(bytes)}, tokenizer), LLMC_BAD_MAGIC);
  return failures != 0;
}
