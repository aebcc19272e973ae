// The resident part of a plan: layout of the segments, header and FlatBuffer.
#ifndef LLMC_COMPILER_EMIT_PLANENCODER_H
#define LLMC_COMPILER_EMIT_PLANENCODER_H

#include "compiler/Emit/PlanDescription.h"

namespace llmc {

/// A description with its segments placed in the file.
class PlanEncoder {
public:
  /// On failure `error` gets a sentence and the encoder must not be used.
  PlanEncoder(const PlanDescription &description, bool digests, std::string &error);

  uint64_t fileSize() const { return end; }
  uint64_t planSize() const { return planBytes; }
  /// Placed segments; the digest segment, where there is one, is the last and has no source.
  const std::vector<rt::Segment> &segments() const { return placed; }
  bool hasDigests() const { return digests; }

  /// Header and FlatBuffer, 16-byte aligned, with the digest of the digest segment filled in.
  std::vector<uint8_t> prefix(const Sha256 &digestRoot) const;
  Sha256 root(const std::vector<uint8_t> &prefix) const;

private:
  void lower();
  void lower(const EntryDescription &entry);
  void place();
  void placeDigests();
  std::vector<uint8_t> encode(const Sha256 &digestRoot) const;

  const PlanDescription &description;
  bool digests;
  std::string text;
  std::vector<uint16_t> segmentNames;
  std::vector<rt::Target> targets;
  std::vector<uint32_t> numbers;
  std::vector<rt::Tensor> tensors;
  std::vector<rt::Entry> entries;
  std::optional<rt::Model> model;
  std::vector<rt::Segment> placed;
  uint64_t planBytes = 0;
  uint64_t dataOffset = 0;
  uint64_t end = 0;
};

} // namespace llmc

#endif
