// Appends records to a plan.file, each under a symbol of its own.
#pragma once

#include "dialects/Plan/Plan.h"

#include "mlir/IR/Builders.h"

namespace llmc::passes {

class FileBuilder {
public:
  explicit FileBuilder(plan::FileOp file)
      : location(file.getLoc()), symbols(file),
        builder(mlir::OpBuilder::atBlockEnd(&file.getBody().front())) {}

  mlir::OpBuilder &ops() { return builder; }
  mlir::Location loc() const { return location; }

  /// Enters a new record under the symbol it was built with, or one like it where that is taken.
  /// The name in the file stays.
  template <class Record> mlir::FlatSymbolRefAttr enter(Record record) {
    mlir::StringAttr wanted = record.getSymNameAttr(), symbol = symbols.insert(record);
    if constexpr (requires { record.setNameAttr(wanted); })
      if (!record.getNameAttr() && symbol != wanted)
        record.setNameAttr(wanted);
    return mlir::FlatSymbolRefAttr::get(symbol);
  }

  /// Sizes that are not known yet are absent.
  mlir::FlatSymbolRefAttr region(llvm::StringRef symbol, plan::RegionKind kind,
                                 plan::Lifetime lifetime, std::optional<uint64_t> size,
                                 uint64_t align, plan::RegionAccess access);
  mlir::FlatSymbolRefAttr segment(llvm::StringRef symbol, llvm::StringRef name,
                                  plan::SegmentKind kind, mlir::FlatSymbolRefAttr region,
                                  std::optional<uint64_t> size, uint64_t align,
                                  std::optional<uint64_t> chunk = {});
  mlir::FlatSymbolRefAttr buffer(llvm::StringRef symbol, llvm::StringRef name,
                                 mlir::FlatSymbolRefAttr region, uint64_t offset,
                                 std::optional<uint64_t> size,
                                 mlir::FlatSymbolRefAttr segment = {});
  /// The operand of these bytes; the first of them is called `symbol`.
  mlir::FlatSymbolRefAttr operand(llvm::StringRef symbol, mlir::FlatSymbolRefAttr buffer,
                                  uint64_t offset, uint64_t extent, plan::OperandAccess access,
                                  mlir::ArrayAttr strides = {});

private:
  mlir::IntegerAttr number(std::optional<uint64_t> value) {
    return value ? builder.getI64IntegerAttr(int64_t(*value)) : mlir::IntegerAttr();
  }

  mlir::Location location;
  mlir::SymbolTable symbols;
  mlir::OpBuilder builder;
  std::vector<plan::OperandOp> operands;
};

} // namespace llmc::passes
