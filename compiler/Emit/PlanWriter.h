// Writes a plan file from its description: deterministic bytes, verified before the first weight is
// written, put under its name only when complete.
#ifndef LLMC_COMPILER_EMIT_PLANWRITER_H
#define LLMC_COMPILER_EMIT_PLANWRITER_H

#include "compiler/Emit/PlanDescription.h"

namespace llmc {

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

/// Writes `path` beside itself and renames. On failure nothing is left behind and an older file is
/// untouched.
PlanWriterResult writePlan(const PlanDescription &description, const std::string &path,
                           const PlanWriterOptions &options = {});

/// The same bytes in memory.
PlanWriterResult writePlan(const PlanDescription &description, std::vector<uint8_t> &bytes,
                           const PlanWriterOptions &options = {});

} // namespace llmc

#endif
