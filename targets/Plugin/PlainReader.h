// The types of the plugin interface as those of targets/Interface; nothing that came through it is
// believed.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Plugin/llmc/target_plugin.h"

#include <fmt/format.h>
#include <string>

namespace llmc::target {

/// Reads what came through the interface, and checks it: the first thing that is wrong stays in
/// `error`, and what is read then has defaults in its place.
class PlainReader {
public:
  std::string error;

  WeightFormat format(const llmc_weight_format &format);
  PackRows packRows(const llmc_pack_rows &pack);
  KernelWork work(const llmc_kernel &kernel);
  KernelRequest request(const llmc_kernel &kernel);
  Program program(const llmc_program &program);
  IsaTable isa(const llmc_isa_table &isa);
  WeightRows weights(const llmc_weights &weights);
  Space space(uint32_t value);

private:
  /// More items than any list has: a count beyond it was never written.
  static constexpr uint32_t mostItems = 1u << 24;

  template <typename Enum> Enum enumerator(uint32_t value, Enum last, const char *what) {
    if (value <= uint32_t(last))
      return Enum(value);
    fail(fmt::format("{} is {}, the last there is is {}", what, value, uint32_t(last)));
    return Enum();
  }
  template <typename Type> Type pointed(const Type *pointer, const char *what) {
    if (pointer)
      return *pointer;
    fail(fmt::format("{} is NULL", what));
    return Type();
  }
  template <typename Type> const Type *array(const Type *items, uint32_t count, const char *what) {
    if (count == 0)
      return nullptr;
    if (items && count <= mostItems)
      return items;
    fail(items ? fmt::format("{} {}, at most {} are possible", count, what, mostItems)
               : fmt::format("{} {} at NULL", count, what));
    return nullptr;
  }
  std::string text(const char *string, const char *what);
  bool flag(uint32_t value, const char *what);
  int16_t argument(int32_t value);
  uint32_t atMost(uint32_t value, uint32_t limit, const char *what);
  void fail(std::string message);
  Extent extent(const llmc_extent &extent);
  VectorChain chain(const llmc_vector_chain &chain);
  Matmul matmul(const llmc_matmul &matmul);
  EmbedRows embedRows(const llmc_embed_rows &rows);
  Attention attention(const llmc_attention &attention);
  KernelOperand operand(const llmc_kernel_operand &operand);
  Address address(const llmc_address &address);
  Operand operand(const llmc_command_operand &operand);
  Dma dma(const llmc_dma &dma);
  Command command(const llmc_command &command);
  void addKernel(const llmc_command &command, Command &to);
  Section section(const llmc_section &section);
};

} // namespace llmc::target
