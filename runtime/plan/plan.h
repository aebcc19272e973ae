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

/// The fields of one of the plan's tables.
template <fb::TableId id, unsigned n> class TableView {
public:
  TableView() { clearBytes(fields, sizeof(fields)); }
  explicit TableView(const uint8_t *table) { read(table); }
  void read(const uint8_t *table) { fb::unpack(id, table, fields); }

protected:
  Text text(unsigned i) const { return fields[i].text(); }
  uint32_t word(unsigned i) const { return fields[i].value; }
  fb::Field fields[n];
};

/// An input or output of an entry. Its operand is static.
class TensorView : public TableView<fb::tensorId, fb::tensor::count> {
public:
  using TableView::TableView;
  Text name() const { return text(fb::tensor::name); }
  TensorRole role() const { return TensorRole(word(fb::tensor::role)); }
  DType dtype() const { return DType(word(fb::tensor::dtype)); }
  Span<const uint32_t> dims() const { return fields[fb::tensor::dims].vector<uint32_t>(); }
  uint32_t operand() const { return word(fb::tensor::operand); }
};

/// One thing the plan can run.
class EntryView : public TableView<fb::entryId, fb::entry::count> {
public:
  using TableView::TableView;
  Text name() const { return text(fb::entry::name); }
  EntryKind kind() const { return EntryKind(word(fb::entry::kind)); }
  uint32_t chunk() const { return word(fb::entry::chunk); }
  uint32_t posMax() const { return word(fb::entry::posMax); }
  uint32_t firstStep() const { return word(fb::entry::firstStep); }
  uint32_t nSteps() const { return word(fb::entry::nSteps); }
  uint32_t nInputs() const { return word(fb::entry::inputs); }
  uint32_t nOutputs() const { return word(fb::entry::outputs); }
  /// Input i, or output i less the number of inputs.
  const uint8_t *tensorTable(uint32_t i) const {
    bool isInput = i < nInputs();
    return fields[isInput ? fb::entry::inputs : fb::entry::outputs].element(
        isInput ? i : i - nInputs());
  }
  /// The operand of the input, or the output, that has this role; none32 where there is none.
  uint32_t operandOf(TensorRole role, bool isInput) const;
  TensorView input(uint32_t i) const { return TensorView(fields[fb::entry::inputs].element(i)); }
  TensorView output(uint32_t i) const { return TensorView(fields[fb::entry::outputs].element(i)); }
  Span<const uint16_t> states() const { return fields[fb::entry::states].vector<uint16_t>(); }
  uint32_t targetMask() const { return word(fb::entry::targetMask); }
  uint8_t rowParam() const { return uint8_t(word(fb::entry::rowParam)); }
  uint32_t rowMax() const { return word(fb::entry::rowMax); }
  uint32_t vocab() const { return word(fb::entry::vocab); }
  Span<const uint64_t> peakBytes() const { return fields[fb::entry::peakBytes].vector<uint64_t>(); }
  uint64_t estCycles() const { return fields[fb::entry::estCycles].wide(); }
  uint64_t maxCycles() const { return fields[fb::entry::maxCycles].wide(); }
  uint32_t stackBytes() const { return word(fb::entry::stackBytes); }
  Text variant() const { return text(fb::entry::variant); }
};

/// What is known about the model; every field may be absent.
class ModelView : public TableView<fb::modelId, fb::model::count> {
public:
  ModelView() {} // not defaulted: that would clear the fields twice
  explicit ModelView(const uint8_t *table) : TableView(table), present(true) {}
  explicit operator bool() const { return present; }
  Text name() const { return text(fb::model::name); }
  Text architecture() const { return text(fb::model::architecture); }
  Text quantization() const { return text(fb::model::quantization); }
  uint32_t vocabSize() const { return word(fb::model::vocabSize); }
  uint32_t contextLength() const { return word(fb::model::contextLength); }
  int32_t bosId() const { return int32_t(word(fb::model::bosId)); }
  Span<const int32_t> eosIds() const { return fields[fb::model::eosIds].vector<int32_t>(); }
  /// 32 bytes, or null.
  const uint8_t *digest() const { return fields[fb::model::digest].data; }

private:
  bool present = false;
};

/// How text becomes ids; the segment holds the vocabulary.
class TokenizerView : public TableView<fb::tokenizerId, fb::tokenizer::count> {
public:
  TokenizerView() {}
  explicit TokenizerView(const uint8_t *table) : TableView(table), present(true) {}
  explicit operator bool() const { return present; }
  Text kind() const { return text(fb::tokenizer::kind); }
  uint16_t segment() const { return uint16_t(word(fb::tokenizer::segment)); }

private:
  bool present = false;
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
  uint64_t features() const { return fields[fb::plan::requiredFeatures].wide(); }
  Text producer() const { return fields[fb::plan::producer].text(); }

  Span<const Segment> segments() const { return records<Segment>(fb::plan::segments); }
  Span<const Region> regions() const { return records<Region>(fb::plan::regions); }
  Span<const Buffer> buffers() const { return records<Buffer>(fb::plan::buffers); }
  Span<const Operand> operands() const { return records<Operand>(fb::plan::operands); }
  Span<const uint16_t> args() const { return records<uint16_t>(fb::plan::args); }
  Span<const Param> params() const { return records<Param>(fb::plan::params); }
  Span<const Kernel> kernels() const { return records<Kernel>(fb::plan::kernels); }
  Span<const Queue> queues() const { return records<Queue>(fb::plan::queues); }
  Span<const Dma> dmas() const { return records<Dma>(fb::plan::dmas); }
  Span<const Step> steps() const { return records<Step>(fb::plan::steps); }
  Span<const State> states() const { return records<State>(fb::plan::states); }

  uint32_t nTargets() const { return fields[fb::plan::targets].value; }
  llmc_target_info target(uint32_t i) const;
  uint32_t targetAbi(uint32_t i) const;
  uint32_t nEntries() const { return fields[fb::plan::entries].value; }
  const uint8_t *entryTable(uint32_t i) const { return fields[fb::plan::entries].element(i); }
  EntryView entry(uint32_t i) const { return EntryView(entryTable(i)); }
  uint32_t nStrings() const { return fields[fb::plan::strings].value; }
  /// Empty for none32.
  Text string(uint32_t i) const;
  ModelView model() const {
    const fb::Field &field = fields[fb::plan::model];
    return field.data ? ModelView(field.table()) : ModelView();
  }
  TokenizerView tokenizer() const {
    const fb::Field &field = fields[fb::plan::tokenizer];
    return field.data ? TokenizerView(field.table()) : TokenizerView();
  }
  uint32_t nMetadata() const { return fields[fb::plan::metadata].value; }
  Text metadataKey(uint32_t i) const { return metadata(i, fb::keyValue::key); }
  Text metadataValue(uint32_t i) const { return metadata(i, fb::keyValue::value); }
  uint16_t digestSegment() const { return uint16_t(fields[fb::plan::digestSegment].value); }
  uint16_t debugSegment() const { return uint16_t(fields[fb::plan::debugSegment].value); }
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
  template <class T> Span<const T> records(unsigned id) const { return fields[id].vector<T>(); }
  Text metadata(uint32_t i, unsigned part) const;
  Status openParts(Span<uint8_t> resident);
  Status findPlan(Span<uint8_t> resident);

  // First, so that an instruction of two bytes reaches them.
  fb::Field fields[fb::plan::count] = {}; // of the root table
  const llmc_source *bytesSource = nullptr;
  Span<const uint8_t> bytes;
  FileHeader fileHeader = {};
};

/// Reads a range of the source into memory, waiting for it.
Status readSource(const llmc_source &source, uint64_t offset, size_t size, void *dst,
                  const llmc_platform *platform);

} // namespace llmc::rt

#endif
