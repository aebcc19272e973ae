#include "runtime/plan/schema_fields.h"

#include "runtime/plan/records.h"

namespace llmc::rt::fb {
namespace {

enum TableId : uint8_t { planId, targetId, tensorId, entryId, modelId, tokenizerId, keyValueId };

constexpr uint32_t maxRecords = 65535; // a detail of a status can name each
constexpr uint32_t maxSteps = 1u << 20;

constexpr FieldSpec scalar(uint8_t size) { return {FieldKind::Inline, size, size, false, 0, 0}; }
constexpr FieldSpec digest() { return {FieldKind::Inline, 32, 8, false, 0, 0}; }
constexpr FieldSpec text(bool required = false) { return {FieldKind::Text, 0, 0, required, 0, 0}; }
constexpr FieldSpec vector(uint8_t size, uint8_t align, uint32_t most, bool required = false) {
  return {FieldKind::Vector, size, align, required, 0, most};
}
constexpr FieldSpec tables(TableId id, uint32_t most, bool required = false) {
  return {FieldKind::Tables, 4, 4, required, id, most};
}
constexpr FieldSpec table(TableId id) { return {FieldKind::Table, 4, 4, false, id, 0}; }

constexpr FieldSpec targetFields[] = {text(true), text(true), text(),
                                      scalar(4),  scalar(4),  digest()};
constexpr FieldSpec tensorFields[] = {text(true), scalar(1), scalar(1), vector(4, 4, 8, true),
                                      scalar(4),  scalar(4), scalar(4)};
constexpr FieldSpec entryFields[] = {text(true),
                                     scalar(1),
                                     scalar(4),
                                     scalar(4),
                                     scalar(4),
                                     scalar(4),
                                     tables(tensorId, maxTensors),
                                     tables(tensorId, maxTensors),
                                     vector(2, 2, maxRecords),
                                     scalar(4),
                                     scalar(1),
                                     scalar(4),
                                     scalar(4),
                                     vector(8, 8, maxRegions),
                                     scalar(8),
                                     scalar(8),
                                     scalar(4),
                                     text()};
constexpr FieldSpec modelFields[] = {
    text(),    text(),    text(),    scalar(4), scalar(4),         scalar(4), scalar(4),
    scalar(4), scalar(4), scalar(4), scalar(4), vector(4, 4, 256), digest()};
constexpr FieldSpec tokenizerFields[] = {text(true), scalar(2), scalar(1), text()};
constexpr FieldSpec keyValueFields[] = {text(true), text(true)};
constexpr FieldSpec planFields[] = {scalar(8),
                                    text(true),
                                    digest(),
                                    tables(targetId, maxTargets, true),
                                    vector(sizeof(Region), 8, maxRegions, true),
                                    vector(sizeof(Segment), 8, maxRecords, true),
                                    vector(sizeof(Buffer), 8, maxRecords, true),
                                    vector(sizeof(Operand), 8, maxRecords, true),
                                    vector(2, 2, maxSteps),
                                    vector(sizeof(Param), 4, maxParams, true),
                                    vector(sizeof(Kernel), 8, maxRecords),
                                    vector(sizeof(Queue), 2, maxQueues),
                                    vector(sizeof(Dma), 4, maxRecords),
                                    vector(sizeof(Step), 4, maxSteps, true),
                                    vector(sizeof(State), 4, maxRecords),
                                    tables(entryId, maxEntries, true),
                                    {FieldKind::Texts, 4, 4, false, 0, maxRecords},
                                    table(modelId),
                                    table(tokenizerId),
                                    tables(keyValueId, 4096),
                                    scalar(2),
                                    scalar(2)};

template <size_t N> constexpr TableSpec spec(const FieldSpec (&fields)[N], Where where) {
  return {fields, static_cast<uint8_t>(N), where};
}

constexpr TableSpec specs[] = {
    spec(planFields, LLMC_AT_PLAN),         spec(targetFields, LLMC_AT_TARGET),
    spec(tensorFields, LLMC_AT_TENSOR),     spec(entryFields, LLMC_AT_ENTRY),
    spec(modelFields, LLMC_AT_MODEL),       spec(tokenizerFields, LLMC_AT_TOKENIZER),
    spec(keyValueFields, LLMC_AT_METADATA),
};

static_assert(sizeof(planFields) / sizeof(FieldSpec) == plan::count);
static_assert(sizeof(targetFields) / sizeof(FieldSpec) == target::count);
static_assert(sizeof(tensorFields) / sizeof(FieldSpec) == tensor::count);
static_assert(sizeof(entryFields) / sizeof(FieldSpec) == entry::count);
static_assert(sizeof(modelFields) / sizeof(FieldSpec) == model::count);
static_assert(sizeof(tokenizerFields) / sizeof(FieldSpec) == tokenizer::count);
static_assert(sizeof(keyValueFields) / sizeof(FieldSpec) == keyValue::count);

} // namespace

const Schema planSchema = {specs, planId, {'L', 'M', 'P', '0'}};

} // namespace llmc::rt::fb
