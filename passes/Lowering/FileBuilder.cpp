// Appends records to a plan.file.
#include "passes/Lowering/FileBuilder.h"

using namespace mlir;

namespace llmc::passes {

FlatSymbolRefAttr FileBuilder::region(StringRef symbol, plan::RegionKind kind,
                                      plan::Lifetime lifetime, std::optional<uint64_t> size,
                                      uint64_t align, plan::RegionAccess access) {
  return enter(plan::RegionOp::create(builder, location, symbol, StringAttr(), kind, lifetime,
                                      number(size), align, access));
}

FlatSymbolRefAttr FileBuilder::segment(StringRef symbol, StringRef name, plan::SegmentKind kind,
                                       FlatSymbolRefAttr region, std::optional<uint64_t> size,
                                       uint64_t align, std::optional<uint64_t> chunk) {
  IntegerAttr offset = region ? number(0) : IntegerAttr();
  return enter(plan::SegmentOp::create(builder, location, symbol, builder.getStringAttr(name), kind,
                                       region, offset, number(size), align, number(chunk)));
}

FlatSymbolRefAttr FileBuilder::buffer(StringRef symbol, StringRef name, FlatSymbolRefAttr region,
                                      uint64_t offset, std::optional<uint64_t> size,
                                      FlatSymbolRefAttr segment) {
  return enter(plan::BufferOp::create(builder, location, symbol, builder.getStringAttr(name),
                                      region.getValue(), offset, number(size), segment));
}

FlatSymbolRefAttr FileBuilder::operand(StringRef symbol, FlatSymbolRefAttr buffer, uint64_t offset,
                                       uint64_t extent, plan::OperandAccess access,
                                       ArrayAttr strides) {
  if (strides && strides.empty())
    strides = {};
  for (plan::OperandOp known : operands)
    if (known.getBufferAttr() == buffer && known.getOffset() == offset &&
        known.getExtent() == extent && known.getStridesAttr() == strides) {
      known.setAccess(known.getAccess() | access);
      return FlatSymbolRefAttr::get(known.getSymNameAttr());
    }
  operands.push_back(plan::OperandOp::create(builder, location, symbol, buffer.getValue(), offset,
                                             extent, access, strides));
  return enter(operands.back());
}

} // namespace llmc::passes
