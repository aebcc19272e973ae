// What the commands of a direct program become in a plan: kernels, and operands of a trip.
#pragma once

#include "passes/Lowering/DirectProgram.h"

namespace llmc::passes {

/// Which trip of the loop a command runs in: the one that the plan's counter says plus `shift`, or
/// `shift` itself.
struct Trip {
  bool counted = false;
  int64_t shift = 0;
};

class DirectOperands {
public:
  DirectOperands(npu::ProgramOp program, FileBuilder &out, const DirectMemories &memories,
                 mlir::FlatSymbolRefAttr counter)
      : program(program), out(out), memories(memories), counter(counter),
        builder(program->getContext()), symbols(program->getParentOfType<mlir::ModuleOp>()) {}

  DirectCall callOf(mlir::Operation *command, Trip trip);
  /// The reads that fill the slot of a page.
  llvm::SmallVector<DirectRead, 2> readsOf(npu::ViewOp page, Trip trip);
  DirectGather gatherOf(npu::EmbedRowsOp embed);

  llvm::SmallVector<npu::KernelOp> kernels;

private:
  size_t kernelOf(mlir::Operation *command);
  npu::KernelOp outline(mlir::Operation *command, llvm::ArrayRef<mlir::Attribute> accesses);
  mlir::FlatSymbolRefAttr operandOf(llvm::StringRef label, mlir::Value buffer,
                                    npu::AccessAttr access, plan::OperandAccess use, Trip trip);
  mlir::FlatSymbolRefAttr inPages(llvm::StringRef label, int64_t offset, int64_t bytes,
                                  plan::OperandAccess use);
  mlir::FlatSymbolRefAttr placed(llvm::StringRef label, npu::PlaceAttr place, int64_t offset,
                                 int64_t bytes, plan::OperandAccess use, Trip trip);
  mlir::FlatSymbolRefAttr memoryOf(npu::Space space) const;
  std::string symbolOf(llvm::StringRef label) { return (program.getSymName() + "." + label).str(); }

  npu::ProgramOp program;
  FileBuilder &out;
  const DirectMemories &memories;
  mlir::FlatSymbolRefAttr counter;
  mlir::OpBuilder builder;
  mlir::SymbolTable symbols;
  llvm::DenseMap<mlir::Attribute, size_t> indices;
};

} // namespace llmc::passes
