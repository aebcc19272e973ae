#include "runtime/plan/schema_fields.h"

#include "runtime/plan/records.h"

namespace llmc::rt::fb {
namespace {

/// Most elements, as the logarithm that FieldSpec holds: 2^16 stands for 65535.
constexpr uint8_t recordsLog2 = 16, stepsLog2 = 20;
static_assert(maxTargets == 8 && maxRegions == 16 && maxQueues == 8 && maxParams == 32 &&
                  maxEntries == 64 && maxTensors == 64,
              "the logarithms below");

constexpr FieldSpec scalar(uint8_t size) { return {FieldKind::Inline, size, size, 0}; }
constexpr FieldSpec orNone(uint8_t size) { return {FieldKind::Inline, size, size, 1}; }
constexpr FieldSpec digest() { return {FieldKind::Inline, 32, 8, 0}; }
constexpr FieldSpec text() { return {FieldKind::Text, 1, 1, 31}; }
constexpr FieldSpec vector(uint8_t size, uint8_t align, uint8_t mostLog2) {
  return {FieldKind::Vector, size, align, mostLog2};
}
constexpr FieldSpec texts(uint8_t mostLog2) { return {FieldKind::Texts, 4, 4, mostLog2}; }
constexpr FieldSpec tables(TableId id, uint8_t mostLog2) {
  return {FieldKind::Tables, 4, id, mostLog2};
}
constexpr FieldSpec table(TableId id) { return {FieldKind::Table, 4, id, 0}; }
constexpr FieldSpec required(FieldSpec field) {
  field.mostLog2 |= FieldSpec::requiredBit;
  return field;
}

// The fields of every table, one after the other.
constexpr FieldSpec fields[] = {
    // Plan
    scalar(8), required(text()), digest(), required(tables(targetId, 3)),
    required(vector(sizeof(Region), 8, 4)), required(vector(sizeof(Segment), 8, recordsLog2)),
    required(vector(sizeof(Buffer), 8, recordsLog2)),
    required(vector(sizeof(Operand), 8, recordsLog2)), vector(2, 2, stepsLog2),
    required(vector(sizeof(Param), 4, 5)), vector(sizeof(Kernel), 8, recordsLog2),
    vector(sizeof(Queue), 2, 3), vector(sizeof(Dma), 4, recordsLog2),
    required(vector(sizeof(Step), 4, stepsLog2)), vector(sizeof(State), 4, recordsLog2),
    required(tables(entryId, 6)), texts(recordsLog2), table(modelId), table(tokenizerId),
    tables(keyValueId, 12), orNone(2), orNone(2),
    // Target
    required(text()), required(text()), text(), scalar(4), scalar(4), digest(),
    // TensorDesc
    required(text()), scalar(1), scalar(1), required(vector(4, 4, 3)), scalar(4), scalar(4),
    scalar(4),
    // Entry
    required(text()), scalar(1), scalar(4), scalar(4), scalar(4), scalar(4), tables(tensorId, 6),
    tables(tensorId, 6), vector(2, 2, recordsLog2), scalar(4), orNone(1), scalar(4), scalar(4),
    vector(8, 8, 4), scalar(8), scalar(8), scalar(4), text(),
    // Model
    text(), text(), text(), scalar(4), scalar(4), scalar(4), scalar(4), scalar(4), scalar(4),
    scalar(4), orNone(4), vector(4, 4, 8), digest(),
    // Tokenizer
    required(text()), orNone(2), scalar(1), text(),
    // KeyValue
    required(text()), required(text())};

constexpr uint8_t targetAt = plan::count, tensorAt = targetAt + target::count,
                  entryAt = tensorAt + tensor::count, modelAt = entryAt + entry::count,
                  tokenizerAt = modelAt + model::count, keyValueAt = tokenizerAt + tokenizer::count;
static_assert(sizeof(fields) == sizeof(FieldSpec) * (keyValueAt + keyValue::count));

constexpr TableSpec specs[] = {{0, plan::count, LLMC_AT_PLAN},
                               {targetAt, target::count, LLMC_AT_TARGET},
                               {tensorAt, tensor::count, LLMC_AT_TENSOR},
                               {entryAt, entry::count, LLMC_AT_ENTRY},
                               {modelAt, model::count, LLMC_AT_MODEL},
                               {tokenizerAt, tokenizer::count, LLMC_AT_TOKENIZER},
                               {keyValueAt, keyValue::count, LLMC_AT_METADATA}};

} // namespace

const Schema planSchema = {specs, fields, 'L' | 'M' << 8 | 'P' << 16 | '0' << 24};

void unpack(TableId table, const uint8_t *at, Field *into) { unpack(planSchema, table, at, into); }

} // namespace llmc::rt::fb
