// References between records, checked with one wording.
#pragma once

#include "dialects/Plan/Plan.h"

namespace llmc::plan {

/// The record of kind `Record` that `reference`, a field of `from`, names. Null, with an error
/// emitted, where there is none.
template <class Record>
Record resolve(mlir::Operation *from, mlir::SymbolTableCollection &symbols,
               mlir::FlatSymbolRefAttr reference) {
  mlir::Operation *found = symbols.lookupNearestSymbolFrom(from, reference);
  if (auto record = llvm::dyn_cast_or_null<Record>(found))
    return record;
  mlir::InFlightDiagnostic error = from->emitOpError() << "needs a " << Record::getOperationName()
                                                       << " as " << reference << ", ";
  if (found)
    error << "which is a " << found->getName();
  else
    error << "which the file does not have";
  return nullptr;
}

/// True where bytes [offset, offset + size) lie in [0, limit).
inline bool fits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

} // namespace llmc::plan
