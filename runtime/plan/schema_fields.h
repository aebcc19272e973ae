// Field numbers of the tables in runtime/schema/plan.fbs, in their order there.
#ifndef LLMC_RUNTIME_PLAN_SCHEMA_FIELDS_H
#define LLMC_RUNTIME_PLAN_SCHEMA_FIELDS_H

#include "runtime/plan/fb_reader.h"

namespace llmc::rt::fb {

namespace target {
enum { backend, device, variant, abi, driverMin, config, count };
}
namespace tensor {
enum { name, role, dtype, dims, operand, scale, zero, count };
}
namespace entry {
enum {
  name,
  kind,
  chunk,
  posMax,
  firstStep,
  nSteps,
  inputs,
  outputs,
  states,
  targetMask,
  rowParam,
  rowMax,
  vocab,
  peakBytes,
  estCycles,
  maxCycles,
  stackBytes,
  variant,
  count
};
}
namespace model {
enum {
  name,
  architecture,
  quantization,
  vocabSize,
  contextLength,
  hiddenSize,
  layers,
  heads,
  kvHeads,
  headDim,
  bosId,
  eosIds,
  digest,
  count
};
}
namespace tokenizer {
enum { kind, segment, addBos, chatTemplate, count };
}
namespace keyValue {
enum { key, value, count };
}
namespace plan {
enum {
  requiredFeatures,
  producer,
  digestRoot,
  targets,
  regions,
  segments,
  buffers,
  operands,
  args,
  params,
  kernels,
  queues,
  dmas,
  steps,
  states,
  entries,
  strings,
  model,
  tokenizer,
  metadata,
  digestSegment,
  debugSegment,
  count
};
}

enum TableId : uint8_t { planId, targetId, tensorId, entryId, modelId, tokenizerId, keyValueId };

/// All fields of a table of a verified plan.
void unpack(TableId table, const uint8_t *at, Field *fields);

/// The plan schema; its tables by TableId.
extern const Schema planSchema;

} // namespace llmc::rt::fb

#endif
