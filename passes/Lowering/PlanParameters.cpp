// The run-time parameters of a plan.
#include "passes/Lowering/PlanParameters.h"

#include <algorithm>

using namespace mlir;

namespace llmc::passes {

using plan::ParamKind;

PlanParameters::PlanParameters(FileBuilder &out, int64_t context, int64_t chunk) : out(out) {
  append("pos", {ParamKind::Input, -1, 0, context - 1, {}});
  append("tokens", {ParamKind::Input, -1, 0, chunk, {}});
  append("kv_len", {ParamKind::KvLen, -1, 0, context, {}});
  append("row", {ParamKind::Input, -1, 0, chunk - 1, {}});
}

int64_t PlanParameters::append(const std::string &symbol, Param param) {
  FlatSymbolRefAttr of = param.of < 0 ? FlatSymbolRefAttr() : table[size_t(param.of)].symbol;
  param.symbol = out.enter(plan::ParamOp::create(out.ops(), out.loc(), symbol, param.kind,
                                                 uint64_t(param.maximum), of,
                                                 uint64_t(param.immediate), FlatSymbolRefAttr()));
  table.push_back(param);
  return int64_t(table.size()) - 1;
}

/// A sum is bounded by its parts; a difference is clamped to 0 ... maximum.
int64_t PlanParameters::derived(const Param &param, int64_t of) {
  return param.kind == ParamKind::Add ? of + param.immediate
                                      : std::clamp<int64_t>(of - param.immediate, 0, param.maximum);
}

int64_t PlanParameters::find(ParamKind kind, int64_t of, int64_t immediate, int64_t maximum) {
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i].kind == kind && table[i].of == of && table[i].immediate == immediate &&
        (kind == ParamKind::Add || table[i].maximum == maximum))
      return int64_t(i);
  std::string name = table[size_t(of)].symbol.getValue().str();
  if (kind == ParamKind::Add)
    return append(name + "_plus_" + std::to_string(immediate),
                  {kind, of, immediate, table[size_t(of)].maximum + immediate, {}});
  return append(name + "_minus_" + std::to_string(immediate) + "_to_" + std::to_string(maximum),
                {kind, of, immediate, maximum, {}});
}

FailureOr<SmallVector<Attribute>> PlanParameters::add(npu::ProgramOp program) {
  SmallVector<int64_t> indices;
  for (auto argument : program.getArguments().getAsRange<npu::ArgumentAttr>()) {
    bool isDerived = argument.getKind() == npu::ArgumentKind::Add ||
                     argument.getKind() == npu::ArgumentKind::Clamp;
    if (isDerived && (argument.getOf() < 0 || argument.getOf() >= int64_t(indices.size())))
      return program.emitError() << "argument " << indices.size() << " is derived from argument "
                                 << argument.getOf() << ", which does not stand before it";
    int64_t of = isDerived ? indices[size_t(argument.getOf())] : -1;
    switch (argument.getKind()) {
    case npu::ArgumentKind::Position:
      indices.push_back(0);
      break;
    case npu::ArgumentKind::Tokens:
      indices.push_back(1);
      break;
    case npu::ArgumentKind::Row:
      indices.push_back(3);
      break;
    case npu::ArgumentKind::Add:
      indices.push_back(find(ParamKind::Add, of, argument.getImmediate(), 0));
      break;
    case npu::ArgumentKind::Clamp:
      indices.push_back(find(ParamKind::Sub, of, argument.getImmediate(), argument.getMaximum()));
      break;
    }
    if (table.size() > plan::maxParams)
      return program.emitError() << "entry '" << program.getSymName() << "' needs more than "
                                 << plan::maxParams
                                 << " run-time parameters, which is all that a runtime holds; use "
                                    "a shorter context or larger stream buffers";
  }
  SmallVector<Attribute> symbols;
  for (int64_t index : indices)
    symbols.push_back(table[size_t(index)].symbol);
  return symbols;
}

FlatSymbolRefAttr PlanParameters::counter(int64_t times) {
  for (const Param &param : table)
    if (param.kind == ParamKind::Loop && param.maximum == times - 1)
      return param.symbol;
  return table[size_t(append("trip", {ParamKind::Loop, -1, 0, times - 1, {}}))].symbol;
}

SmallVector<int64_t> PlanParameters::boundsFor(const EntryBounds &entry) const {
  SmallVector<int64_t> bounds;
  for (const Param &param : table) {
    if (param.of >= 0)
      bounds.push_back(derived(param, bounds[size_t(param.of)]));
    else
      bounds.push_back(bounds.size() == 1   ? entry.tokens
                       : bounds.size() == 3 ? entry.row
                                            : param.maximum);
  }
  return bounds;
}

} // namespace llmc::passes
