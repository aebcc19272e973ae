// Field numbers of the table in runtime/schema/plan.fbs, in their order there.
#ifndef LLMC_RUNTIME_PLAN_SCHEMA_FIELDS_H
#define LLMC_RUNTIME_PLAN_SCHEMA_FIELDS_H

#include "runtime/plan/fb_reader.h"

namespace llmc::rt::fb {

namespace plan {
enum {
  requiredFeatures,
  producer,
  digestRoot,
  targets,
  regions,
  segments,
  params,
  moves,
  operands,
  args,
  blobs,
  kernels,
  queues,
  rows,
  steps,
  states,
  numbers,
  tensors,
  entries,
  text,
  model,
  count
};
}

/// Reads the table of a plan: `fields` has as many as it.
Status readPlan(Span<const uint8_t> buffer, Field *fields);

} // namespace llmc::rt::fb

#endif
