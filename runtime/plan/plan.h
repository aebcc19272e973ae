// A plan, opened: verified once and completely, then read in place.
//
// Promise: a plan accepted by open, whose bytes do not change afterwards, cannot make the runtime
// touch memory outside the regions given to Session::bind. Kernel blobs are code, and are signed or
// sandboxed.
#ifndef LLMC_RUNTIME_PLAN_PLAN_H
#define LLMC_RUNTIME_PLAN_PLAN_H

#include "runtime/base/device.h"
#include "runtime/base/span.h"
#include "runtime/base/status.h"
#include "runtime/plan/fb_reader.h"
#include "runtime/plan/records.h"
#include "runtime/plan/schema_fields.h"

namespace llmc::rt {

using fb::Text;

/// An input or output of an entry. Its operand is static.
class TensorView {
public:
  explicit TensorView(fb::Table table) : table(table) {}
  Text name() const { return table.text(fb::tensor::name); }
  TensorRole role() const { return TensorRole(table.scalar<uint8_t>(fb::tensor::role, 0)); }
  DType dtype() const { return DType(table.scalar<uint8_t>(fb::tensor::dtype, 0)); }
  Span<const uint32_t> dims() const { return table.vector<uint32_t>(fb::tensor::dims); }
  uint32_t operand() const { return table.scalar<uint32_t>(fb::tensor::operand, 0); }

private:
  fb::Table table;
};

/// One thing the plan can run.
class EntryView {
public:
  EntryView() = default;
  explicit EntryView(fb::Table table) : table(table) {}
  Text name() const { return table.text(fb::entry::name); }
  EntryKind kind() const { return EntryKind(table.scalar<uint8_t>(fb::entry::kind, 0)); }
  uint32_t chunk() const { return word(fb::entry::chunk); }
  uint32_t posMax() const { return word(fb::entry::posMax); }
  uint32_t firstStep() const { return word(fb::entry::firstStep); }
  uint32_t nSteps() const { return word(fb::entry::nSteps); }
  uint32_t nInputs() const { return offsets(fb::entry::inputs).size; }
  uint32_t nOutputs() const { return offsets(fb::entry::outputs).size; }
  TensorView input(uint32_t i) const {
    return TensorView(fb::Table::element(offsets(fb::entry::inputs), i));
  }
  TensorView output(uint32_t i) const {
    return TensorView(fb::Table::element(offsets(fb::entry::outputs), i));
  }
  Span<const uint16_t> states() const { return table.vector<uint16_t>(fb::entry::states); }
  uint32_t targetMask() const { return word(fb::entry::targetMask); }
  uint8_t rowParam() const { return table.scalar<uint8_t>(fb::entry::rowParam, none8); }
  uint32_t rowMax() const { return word(fb::entry::rowMax); }
  uint32_t vocab() const { return word(fb::entry::vocab); }
  Span<const uint64_t> peakBytes() const { return table.vector<uint64_t>(fb::entry::peakBytes); }
  uint64_t estCycles() const { return table.scalar<uint64_t>(fb::entry::estCycles, 0); }
  uint64_t maxCycles() const { return table.scalar<uint64_t>(fb::entry::maxCycles, 0); }
  uint32_t stackBytes() const { return word(fb::entry::stackBytes); }
  Text variant() const { return table.text(fb::entry::variant); }

private:
  uint32_t word(unsigned id) const { return table.scalar<uint32_t>(id, 0); }
  Span<const uint32_t> offsets(unsigned id) const { return table.vector<uint32_t>(id); }
  fb::Table table;
};

/// What is known about the model; every field may be absent.
class ModelView {
public:
  explicit ModelView(fb::Table table) : table(table) {}
  explicit operator bool() const { return bool(table); }
  Text name() const { return table.text(fb::model::name); }
  Text architecture() const { return table.text(fb::model::architecture); }
  Text quantization() const { return table.text(fb::model::quantization); }
  uint32_t vocabSize() const { return table.scalar<uint32_t>(fb::model::vocabSize, 0); }
  uint32_t contextLength() const { return table.scalar<uint32_t>(fb::model::contextLength, 0); }
  int32_t bosId() const { return table.scalar<int32_t>(fb::model::bosId, -1); }
  Span<const int32_t> eosIds() const { return table.vector<int32_t>(fb::model::eosIds); }
  /// 32 bytes, or null.
  const uint8_t *digest() const { return table.field(fb::model::digest); }

private:
  fb::Table table;
};

/// Bytes of a segment.
struct Range {
  uint64_t begin = 0, end = 0;
};

class Plan {
public:
  /// Opens the plan in `source`, which stays in use until the last session is unbound. The plan
  /// part is read in place where the source maps it at a multiple of 8, else copied into `resident`
  /// (8-aligned, `residentBytes` of them).
  static Status open(const llmc_source &source, Span<uint8_t> resident, Plan *plan);
  /// The bytes `open` needs for a source that cannot map; the header is checked.
  static Status residentBytes(const llmc_source &source, uint64_t *bytes);

  FileHeader header() const { return fileHeader; }
  const llmc_source &source() const { return *bytesSource; }
  Span<const uint8_t> planBytes() const { return bytes; }
  uint64_t features() const { return root.scalar<uint64_t>(fb::plan::requiredFeatures, 0); }
  Text producer() const { return root.text(fb::plan::producer); }

  Span<const Segment> segments() const { return segmentRecords; }
  Span<const Region> regions() const { return regionRecords; }
  Span<const Buffer> buffers() const { return bufferRecords; }
  Span<const Operand> operands() const { return operandRecords; }
  Span<const uint16_t> args() const { return argIndices; }
  Span<const Param> params() const { return paramRecords; }
  Span<const Kernel> kernels() const { return kernelRecords; }
  Span<const Queue> queues() const { return queueRecords; }
  Span<const Dma> dmas() const { return dmaRecords; }
  Span<const Step> steps() const { return stepRecords; }
  Span<const State> states() const { return stateRecords; }

  uint32_t nTargets() const { return tables(fb::plan::targets).size; }
  llmc_target_info target(uint32_t i) const;
  uint32_t nEntries() const { return tables(fb::plan::entries).size; }
  EntryView entry(uint32_t i) const {
    return EntryView(fb::Table::element(tables(fb::plan::entries), i));
  }
  uint32_t nStrings() const { return tables(fb::plan::strings).size; }
  /// Empty for none32.
  Text string(uint32_t i) const {
    return i == none32 ? Text() : fb::Table::textElement(tables(fb::plan::strings), i);
  }
  ModelView model() const { return ModelView(root.table(fb::plan::model)); }
  fb::Table tokenizer() const { return root.table(fb::plan::tokenizer); }
  uint32_t nMetadata() const { return tables(fb::plan::metadata).size; }
  Text metadataKey(uint32_t i) const { return metadataEntry(i).text(fb::keyValue::key); }
  Text metadataValue(uint32_t i) const { return metadataEntry(i).text(fb::keyValue::value); }
  uint16_t digestSegment() const { return root.scalar<uint16_t>(fb::plan::digestSegment, none16); }
  uint16_t debugSegment() const { return root.scalar<uint16_t>(fb::plan::debugSegment, none16); }
  /// SHA-256 of the digest segment, or null.
  const uint8_t *digestRoot() const { return root.field(fb::plan::digestRoot); }

  /// The most tokens a sequence may have.
  uint32_t contextLength() const { return paramRecords[LLMC_P_KV_LEN].max; }

  /// The region's bytes are one range of the file: it can be executed in place or mapped. NOT_FOUND
  /// otherwise.
  Status regionFileOffset(uint32_t region, uint64_t *offset) const;
  /// Makes a constant region addressable in place through the source; UNSUPPORTED where that cannot
  /// be.
  Status mapRegion(uint32_t region, const void **base) const;
  /// Copies the segments of a region into memory of at least its size.
  Status loadRegion(uint32_t region, const llmc_memory &memory,
                    const llmc_platform *platform) const;

  /// SHA-256 over SHA-256(header, its root and signature fields zero) and SHA-256(plan), by the
  /// platform's hook.
  Status rootDigest(const llmc_platform &platform, uint8_t out[32]) const {
    return rootDigestOf(fileHeader, platform, out);
  }
  /// The same with another header, as when a signature is added.
  Status rootDigestOf(FileHeader header, const llmc_platform &platform, uint8_t out[32]) const;
  /// Compares the root digest with the header's, and the digest segment with the plan's.
  Status checkRoot(const llmc_platform &platform) const;
  /// checkRoot, and the signature over the root digest by the platform's hook: NOT_FOUND where
  /// there is none, BAD_DIGEST where it is another's. With checkSegment, every byte that is used is
  /// signed.
  Status checkSignature(const llmc_platform &platform) const;
  /// Compares the bytes of a segment, addressable at `data`, with its digests. OK where it has
  /// none. `differs`, where given, gets the bytes of the first chunk that differs.
  Status checkSegment(uint32_t segment, const void *data, const llmc_platform &platform,
                      Range *differs = nullptr) const;

private:
  friend class PlanVerifier;
  Span<const uint32_t> tables(unsigned id) const { return root.vector<uint32_t>(id); }
  fb::Table metadataEntry(uint32_t i) const {
    return fb::Table::element(tables(fb::plan::metadata), i);
  }
  void bindRecords();

  FileHeader fileHeader = {};
  const llmc_source *bytesSource = nullptr;
  Span<const uint8_t> bytes;
  fb::Table root;
  Span<const Segment> segmentRecords;
  Span<const Region> regionRecords;
  Span<const Buffer> bufferRecords;
  Span<const Operand> operandRecords;
  Span<const uint16_t> argIndices;
  Span<const Param> paramRecords;
  Span<const Kernel> kernelRecords;
  Span<const Queue> queueRecords;
  Span<const Dma> dmaRecords;
  Span<const Step> stepRecords;
  Span<const State> stateRecords;
};

/// Reads a range of the source into memory, waiting for it.
Status readSource(const llmc_source &source, uint64_t offset, size_t size, void *dst,
                  const llmc_platform *platform);

} // namespace llmc::rt

#endif
