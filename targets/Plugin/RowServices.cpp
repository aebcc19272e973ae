#include "targets/Plugin/RowServices.h"

#include "targets/Llvm/Layout/RowRules.h"
#include "targets/Plugin/HostCall.h"
#include "targets/Plugin/PlainReader.h"

#include <cstring>

namespace llmc::target {

namespace {

std::string givenNull(const char *function) { return fmt::format("{} was given NULL", function); }

bool readsRows(const IsaTable &isa) {
  return isa.dot == DotKind::None || isa.dot == DotKind::Vmladava || isa.dot == DotKind::Described;
}

std::string refusalOf(const llmc_machine &plain, const llmc_kernel &kernel,
                      const llmc_isa_table &isa) {
  PlainReader reader;
  const KernelWork work = reader.work(kernel);
  const IsaTable table = reader.isa(isa);
  if (!reader.error.empty())
    return reader.error;
  if (!readsRows(table))
    return fmt::format("instruction set '{}' does not read weights row by row: its dot is {}",
                       table.name, uint32_t(table.dot));
  Machine machine; // As far as rules know it.
  machine.name = plain.name;
  machine.vector.maxSteps = plain.vector_max_steps;
  return rowRefusal(machine, table, work);
}

int supports(const llmc_target_call *call, const llmc_kernel *kernel, const llmc_isa_table *isa) {
  return answerPlugin(call, [&] {
    return kernel && isa && call->machine ? refusalOf(*call->machine, *kernel, *isa)
                                          : givenNull("rows_supports");
  });
}

std::optional<RowWeightLayout> layoutOf(const llmc_weight_shape &shape, std::string &error) {
  PlainReader reader;
  const WeightFormat format = reader.format(shape.format);
  error = reader.error;
  return error.empty() ? RowWeightLayout::of(format, shape.columns, error) : std::nullopt;
}

int packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape, uint64_t *bytes) {
  return answerPlugin(call, [&] {
    std::string error;
    if (!shape || !bytes)
      return givenNull("rows_packed_bytes");
    if (const auto layout = layoutOf(*shape, error))
      *bytes = layout->bytes(shape->rows);
    return error;
  });
}

std::string packInto(const llmc_weights &weights, uint8_t *out, uint64_t bytes) {
  std::string error;
  const auto layout = layoutOf(weights.shape, error);
  PlainReader reader;
  const WeightRows rows = reader.weights(weights);
  if (error.empty())
    error = reader.error;
  if (!error.empty())
    return error;
  if (layout->bytes(rows.rows) != bytes)
    return fmt::format("rows_pack was given {} bytes, the layout has {}", bytes,
                       layout->bytes(rows.rows));
  std::vector<uint8_t> packed;
  packRows(*layout, rows, packed);
  std::memcpy(out, packed.data(), packed.size());
  return {};
}

int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out, uint64_t bytes) {
  return answerPlugin(call, [&] {
    return weights && out ? packInto(*weights, out, bytes) : givenNull("rows_pack");
  });
}

int packedRowsBytes(const llmc_target_call *call, const llmc_pack_rows *rows, uint64_t *bytes) {
  return answerPlugin(call, [&] {
    if (!rows || !bytes)
      return givenNull("rows_packed_rows_bytes");
    PlainReader reader;
    const PackRows pack = reader.packRows(*rows);
    if (reader.error.empty())
      *bytes = packedRowBytes(pack);
    return reader.error;
  });
}

} // namespace

void addRowServices(llmc_host &host) {
  host.rows_supports = supports;
  host.rows_packed_bytes = packedBytes;
  host.rows_pack = pack;
  host.rows_packed_rows_bytes = packedRowsBytes;
}

} // namespace llmc::target
