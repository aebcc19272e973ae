#include "runtime/plan/schema_fields.h"

#include "runtime/plan/records.h"

namespace llmc::rt::fb {
namespace {

static_assert(maxTargets == 8 && maxRegions == 16 && maxQueues == 8 && maxParams == 32 &&
                  maxEntries == 64 && maxBlobs == 255 && maxMoves == 255,
              "the logarithms below");
/// 65535 of most records, so that none is none.
constexpr uint8_t recordsLog2 = 16, stepsLog2 = 20;

template <class T> constexpr FieldSpec one() {
  return {sizeof(T), alignof(T) == 8 ? 3 : 2, 0, inlined};
}
template <class T> constexpr FieldSpec many(uint8_t mostLog2 = recordsLog2, uint8_t flags = 0) {
  return {sizeof(T),
          alignof(T) == 8   ? 3
          : alignof(T) == 4 ? 2
                            : 1,
          mostLog2, uint8_t(vector | flags)};
}
constexpr FieldSpec characters = {1, 0, 16, text | required};

constexpr FieldSpec specs[] = {
    one<uint64_t>(),
    characters,
    one<Digest>(),
    many<Target>(3, required),
    many<Region>(4, required),
    many<Segment>(recordsLog2, required),
    many<Param>(5, required),
    many<Move>(8),
    many<Operand>(recordsLog2, required),
    many<uint16_t>(stepsLog2),
    many<Blob>(8),
    many<Kernel>(),
    many<Queue>(3),
    many<Rows>(),
    many<Step>(stepsLog2, required),
    many<State>(),
    many<uint32_t>(),
    many<Tensor>(),
    many<Entry>(6, required),
    characters,
    one<Model>(),
};
static_assert(sizeof(specs) == sizeof(FieldSpec) * plan::count);

} // namespace

Status readPlan(Span<const uint8_t> buffer, Field *fields) {
  return readTable(buffer, 'L' | 'M' << 8 | 'P' << 16 | '0' << 24, specs, fields);
}

} // namespace llmc::rt::fb
