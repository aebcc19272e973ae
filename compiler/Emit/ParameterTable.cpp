#include "compiler/Emit/ParameterTable.h"

#include "runtime/plan/params.h"

namespace llmc {

using rt::none8;
using rt::Param;
using rt::ParamKind;

ParameterTable::ParameterTable(uint32_t context, uint32_t chunk, uint32_t rows) {
  auto push = [&](uint32_t max, ParamKind kind) {
    table.push_back(Param{max, 0, kind, none8, none8, 0});
  };
  push(context - 1, ParamKind::Input);
  push(chunk, ParamKind::Input);
  push(context, ParamKind::KvLen);
  push(rows, ParamKind::Input);
}

int16_t ParameterTable::find(ParamKind kind, uint8_t a, uint32_t immediate, uint32_t maximum) {
  for (size_t i = 0; i < table.size(); ++i) {
    const Param &param = table[i];
    if (param.kind == kind && param.a == a && param.imm == immediate &&
        (kind == ParamKind::Add || param.max == maximum))
      return int16_t(i);
  }
  if (table.size() >= rt::maxParams)
    return -1;
  // A sum is bounded by its parts; a clamped difference by what it is clamped to.
  uint32_t bound = kind == ParamKind::Add ? table[a].max + immediate : maximum;
  table.push_back(Param{bound, immediate, kind, a, none8, 0});
  return int16_t(table.size() - 1);
}

std::vector<uint32_t> ParameterTable::maximaFor(uint32_t rows) const {
  std::vector<uint32_t> maxima;
  for (const Param &param : table) {
    if (rt::isDerived(param))
      maxima.push_back(uint32_t(rt::derivedBound(param, maxima.data())));
    else
      maxima.push_back(maxima.size() == 1 ? rows : param.max);
  }
  return maxima;
}

bool ParameterTable::add(npu::ProgramOp program, std::vector<int16_t> &indices) {
  indices.clear();
  for (auto argument : program.getArguments().getAsRange<npu::ArgumentAttr>()) {
    auto of = [&] { return uint8_t(indices[size_t(argument.getOf())]); };
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
      indices.push_back(find(ParamKind::Add, of(), uint32_t(argument.getImmediate()), 0));
      break;
    case npu::ArgumentKind::Clamp:
      indices.push_back(find(ParamKind::Sub, of(), uint32_t(argument.getImmediate()),
                             uint32_t(argument.getMaximum())));
      break;
    }
    if (indices.back() < 0)
      return false;
  }
  return true;
}

} // namespace llmc
