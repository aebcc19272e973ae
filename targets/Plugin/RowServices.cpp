#include "targets/Plugin/RowServices.h"

#include "targets/Llvm/Layout/RowRules.h"
#include "targets/Plugin/PlainReader.h"

#include <cstring>

namespace llmc::target {

namespace {

int answer(const llmc_target_call *call, const std::string &refusal) {
  return refusal.empty() ? 1 : llmc_refuse(call, refusal.c_str());
}

int refuseNull(const llmc_target_call *call, const char *function) {
  return answer(call, fmt::format("{} was given NULL", function));
}

bool readsRows(const IsaTable &isa) {
  return isa.dot == DotKind::None || isa.dot == DotKind::Vmladava || isa.dot == DotKind::Described;
}

int supports(const llmc_target_call *call, const llmc_kernel *kernel, const llmc_isa_table *isa) {
  if (!kernel || !isa || !call->machine)
    return refuseNull(call, "rows_supports");
  PlainReader reader;
  const KernelWork work = reader.work(*kernel);
  const IsaTable table = reader.isa(*isa);
  if (!reader.error.empty())
    return answer(call, reader.error);
  if (!readsRows(table))
    return answer(call, fmt::format("instruction set '{}' does not read weights row by row: its "
                                    "dot is {}",
                                    table.name, uint32_t(table.dot)));
  Machine machine; // As far as rules know it.
  machine.name = call->machine->name;
  machine.vector.maxSteps = call->machine->vector_max_steps;
  return answer(call, rowRefusal(machine, table, work));
}

std::optional<RowWeightLayout> layoutOf(const llmc_weight_shape &shape, std::string &error) {
  PlainReader reader;
  const WeightFormat format = reader.format(shape.format);
  error = reader.error;
  return error.empty() ? RowWeightLayout::of(format, shape.columns, error) : std::nullopt;
}

int packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape, uint64_t *bytes) {
  if (!shape || !bytes)
    return refuseNull(call, "rows_packed_bytes");
  std::string error;
  const auto layout = layoutOf(*shape, error);
  if (layout)
    *bytes = layout->bytes(shape->rows);
  return answer(call, error);
}

int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out, uint64_t bytes) {
  if (!weights || !out)
    return refuseNull(call, "rows_pack");
  std::string error;
  const auto layout = layoutOf(weights->shape, error);
  PlainReader reader;
  const WeightRows rows = reader.weights(*weights);
  if (error.empty())
    error = reader.error;
  if (error.empty() && layout->bytes(rows.rows) != bytes)
    error = fmt::format("rows_pack was given {} bytes, the layout has {}", bytes,
                        layout->bytes(rows.rows));
  if (!error.empty())
    return answer(call, error);
  std::vector<uint8_t> packed;
  packRows(*layout, rows, packed);
  std::memcpy(out, packed.data(), packed.size());
  return 1;
}

int packedRowsBytes(const llmc_target_call *call, const llmc_pack_rows *rows, uint64_t *bytes) {
  if (!rows || !bytes)
    return refuseNull(call, "rows_packed_rows_bytes");
  PlainReader reader;
  const PackRows pack = reader.packRows(*rows);
  *bytes = packedRowBytes(pack);
  return answer(call, reader.error);
}

} // namespace

void addRowServices(llmc_host &host) {
  host.rows_supports = supports;
  host.rows_packed_bytes = packedBytes;
  host.rows_pack = pack;
  host.rows_packed_rows_bytes = packedRowsBytes;
}

} // namespace llmc::target
