// The run-time parameters of a plan, shared by all of its programs.
#pragma once

#include "dialects/Npu/Npu.h"
#include "passes/Lowering/FileBuilder.h"

namespace llmc::passes {

/// What an entry bounds more tightly than the plan does.
struct EntryBounds {
  int64_t tokens = 1;
  int64_t row = 0;
};

/// Collects the arguments of every program as parameters: position, tokens, KV length, first row of
/// a head, then derived ones.
class PlanParameters {
public:
  /// `context` bounds the position, `chunk` the tokens of an entry.
  PlanParameters(FileBuilder &out, int64_t context, int64_t chunk);

  /// The parameter that each argument of `program` becomes. An error where they are used up.
  mlir::FailureOr<llvm::SmallVector<mlir::Attribute>> add(npu::ProgramOp program);

  /// The parameter that counts the rounds of a loop of `times`.
  mlir::FlatSymbolRefAttr counter(int64_t times);

  /// The most that each parameter can be in an entry; complete once all programs are added.
  llvm::SmallVector<int64_t> boundsFor(const EntryBounds &entry) const;

  mlir::FlatSymbolRefAttr row() const { return table[3].symbol; }

private:
  struct Param {
    plan::ParamKind kind = plan::ParamKind::Input;
    int64_t of = -1, immediate = 0, maximum = 0;
    mlir::FlatSymbolRefAttr symbol;
  };

  static int64_t derived(const Param &param, int64_t of);
  int64_t append(const std::string &symbol, Param param);
  /// Index of a derived parameter, appended where it is new.
  int64_t find(plan::ParamKind kind, int64_t of, int64_t immediate, int64_t maximum);

  FileBuilder &out;
  std::vector<Param> table;
};

} // namespace llmc::passes
