// A plan, opened: verified once and completely, then read in place.
//
// Promise: a plan accepted by open, whose bytes do not change afterwards, cannot make the runtime
// touch memory outside the regions given to Session::bind. Kernel blobs are code, and are signed or
// sandboxed.
#ifndef LLMC_RUNTIME_PLAN_PLAN_H
#define LLMC_RUNTIME_PLAN_PLAN_H

#include "runtime/base/bytes.h"
#include "runtime/base/device.h"
#include "runtime/base/span.h"
#include "runtime/base/status.h"
#include "runtime/plan/fb_reader.h"
#include "runtime/plan/records.h"
#include "runtime/plan/schema_fields.h"

namespace llmc::rt {

using fb::Text;

class Plan;

/// An input or output of an entry. Its operand is static.
class TensorView {
public:
  TensorView(const Plan &plan, const Tensor &record) : plan(&plan), record(&record) {}
  Text name() const;
  TensorRole role() const { return record->role; }
  DType dtype() const { return record->dtype; }
  Span<const uint32_t> dims() const;
  uint32_t operand() const { return record->operand; }

private:
  const Plan *plan;
  const Tensor *record;
};

/// One thing the plan can run.
class EntryView {
public:
  EntryView(const Plan &plan, const Entry &record) : plan(&plan), record(&record) {}
  Text name() const;
  Text variant() const;
  EntryKind kind() const { return record->kind; }
  uint32_t chunk() const { return record->chunk; }
  uint32_t posMax() const { return record->posMax; }
  uint32_t firstStep() const { return record->firstStep; }
  uint32_t nSteps() const { return record->nSteps; }
  uint32_t nInputs() const { return record->nInputs; }
  uint32_t nOutputs() const { return record->nOutputs; }
  uint32_t firstState() const { return record->firstState; }
  uint32_t nStates() const { return record->nStates; }
  uint32_t targetMask() const { return record->targetMask; }
  uint8_t rowParam() const { return record->rowParam; }
  uint32_t rowMax() const { return record->rowMax; }
  uint32_t vocab() const { return record->vocab; }
  /// Input i, or output i less the number of inputs.
  TensorView tensor(uint32_t i) const;
  TensorView input(uint32_t i) const { return tensor(i); }
  TensorView output(uint32_t i) const { return tensor(record->nInputs + i); }
  /// The operand of the input, or the output, that has this role; none32 where there is none.
  uint32_t operandOf(TensorRole role, bool isInput) const;
  /// What its kernels need.
  uint32_t stackBytes() const;

private:
  const Plan *plan;
  const Entry *record;
};

/// What is known about the model.
class ModelView {
public:
  ModelView(const Plan &plan, const Model *record) : plan(&plan), record(record) {}
  explicit operator bool() const { return record; }
  Text name() const;
  Text architecture() const;
  Text quantization() const;
  uint32_t vocabSize() const { return record->vocabSize; }
  uint32_t contextLength() const { return record->contextLength; }
  int32_t bosId() const { return record->bosId; }
  uint32_t hiddenSize() const { return record->hiddenSize; }
  uint32_t layers() const { return record->layers; }
  uint32_t heads() const { return record->heads; }
  uint32_t kvHeads() const { return record->kvHeads; }
  uint32_t headDim() const { return record->headDim; }
  Span<const int32_t> eosIds() const;
  /// 32 bytes.
  const uint8_t *digest() const { return reinterpret_cast<const uint8_t *>(&record->digest); }

private:
  const Plan *plan;
  const Model *record;
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
  /// Where it fails, the plan is empty.
  static Status open(const llmc_source &source, Span<uint8_t> resident, Plan *plan);
  /// The bytes `open` needs for a source that cannot map; the header is checked.
  static Status residentBytes(const llmc_source &source, uint64_t *bytes);

  FileHeader header() const { return fileHeader; }
  const llmc_source &source() const { return *bytesSource; }
  Span<const uint8_t> planBytes() const { return bytes; }
  uint64_t features() const {
    const uint8_t *at = fields[fb::plan::requiredFeatures].data;
    return at ? fb::load<uint64_t>(at) : 0;
  }
  Text producer() const { return fields[fb::plan::producer].text(); }

  Span<const Target> targets() const { return records<Target>(fb::plan::targets); }
  Span<const Region> regions() const { return records<Region>(fb::plan::regions); }
  Span<const Segment> segments() const { return records<Segment>(fb::plan::segments); }
  Span<const Param> params() const { return records<Param>(fb::plan::params); }
  Span<const Move> moves() const { return records<Move>(fb::plan::moves); }
  Span<const Operand> operands() const { return records<Operand>(fb::plan::operands); }
  Span<const uint16_t> args() const { return records<uint16_t>(fb::plan::args); }
  Span<const Blob> blobs() const { return records<Blob>(fb::plan::blobs); }
  Span<const Kernel> kernels() const { return records<Kernel>(fb::plan::kernels); }
  Span<const Queue> queues() const { return records<Queue>(fb::plan::queues); }
  Span<const Rows> rows() const { return records<Rows>(fb::plan::rows); }
  Span<const Step> steps() const { return records<Step>(fb::plan::steps); }
  Span<const State> states() const { return records<State>(fb::plan::states); }
  Span<const uint32_t> numbers() const { return records<uint32_t>(fb::plan::numbers); }
  Span<const Tensor> tensors() const { return records<Tensor>(fb::plan::tensors); }
  Span<const Entry> entries() const { return records<Entry>(fb::plan::entries); }

  llmc_target_info target(uint32_t i) const;
  EntryView entry(uint32_t i) const { return {*this, entries()[i]}; }
  uint32_t nTargets() const { return uint32_t(targets().size); }
  uint32_t nEntries() const { return uint32_t(entries().size); }
  /// Empty for none16.
  Text text(uint16_t name) const;
  ModelView model() const {
    return {*this, reinterpret_cast<const Model *>(fields[fb::plan::model].data)};
  }
  /// The first segment of a kind; none16 where there is none.
  uint16_t segmentOf(SegmentKind kind) const;
  uint16_t digestSegment() const { return segmentOf(SegmentKind::Digests); }
  /// SHA-256 of the digest segment, or null.
  const uint8_t *digestRoot() const { return fields[fb::plan::digestRoot].data; }

  /// The most tokens a sequence may have.
  uint32_t contextLength() const { return params()[LLMC_P_KV_LEN].max; }

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
  Status rootDigestOf(const FileHeader &header, const llmc_platform &platform,
                      uint8_t out[32]) const;
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
  template <class T> Span<const T> records(unsigned id) const { return fields[id].vector<T>(); }
  Status openParts(Span<uint8_t> resident);
  Status findPlan(Span<uint8_t> resident);

  // First, so that an instruction of two bytes reaches them.
  fb::Field fields[fb::plan::count] = {}; // of the root table
  const llmc_source *bytesSource = nullptr;
  Span<const uint8_t> bytes;
  FileHeader fileHeader = {};
};

inline Text TensorView::name() const { return plan->text(record->name); }
inline Span<const uint32_t> TensorView::dims() const {
  return {plan->numbers().data + record->firstDim, record->rank};
}
inline Text EntryView::name() const { return plan->text(record->name); }
inline Text EntryView::variant() const { return plan->text(record->variant); }
inline TensorView EntryView::tensor(uint32_t i) const {
  return {*plan, plan->tensors()[record->firstTensor + i]};
}
inline Text ModelView::name() const { return plan->text(record->name); }
inline Text ModelView::architecture() const { return plan->text(record->architecture); }
inline Text ModelView::quantization() const { return plan->text(record->quantization); }
inline Span<const int32_t> ModelView::eosIds() const {
  return {reinterpret_cast<const int32_t *>(plan->numbers().data + record->firstEos), record->nEos};
}

/// Reads a range of the source into memory, waiting for it.
Status readSource(const llmc_source &source, uint64_t offset, size_t size, void *dst,
                  const llmc_platform *platform);

} // namespace llmc::rt

#endif
