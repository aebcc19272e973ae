// Writes a plan from its description: deterministic bytes, verified before the first weight is
// written.
#ifndef LLMC_COMPILER_EMIT_PLANWRITER_H
#define LLMC_COMPILER_EMIT_PLANWRITER_H

#include "compiler/Emit/PlanDescription.h"

namespace llmc {

class AtomicFile;

struct PlanWriterOptions {
  bool digests = true; // SHA-256 of every segment, in a segment of their own
};

struct PlanWriterResult {
  std::string error; // empty: written. Else one sentence: what, where, the limit
  uint64_t fileBytes = 0;
  uint64_t planBytes = 0; // of the FlatBuffer part, which stays resident
  Sha256 root = {};
  explicit operator bool() const { return error.empty(); }
};

/// Writes to a file that has been opened, and leaves it to the caller to commit it.
PlanWriterResult writePlan(const PlanDescription &description, AtomicFile &file,
                           const PlanWriterOptions &options = {});

/// The same bytes in memory.
PlanWriterResult writePlan(const PlanDescription &description, std::vector<uint8_t> &bytes,
                           const PlanWriterOptions &options = {});

} // namespace llmc

#endif
