// The types of targets/Interface as those of the plugin interface. What is made here keeps the
// memory that its structs point to, and stays where it is; PlainReader.h is the way back.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Plugin/llmc/target_plugin.h"

#include <deque>
#include <string>
#include <variant>
#include <vector>

namespace llmc::target {

llmc_extent plainOf(Extent extent);
llmc_weight_format plainOf(const WeightFormat &format);
llmc_pack_rows plainOf(const PackRows &pack);

class PlainKernel {
public:
  /// A question: without a name and operands.
  explicit PlainKernel(const KernelWork &work);
  explicit PlainKernel(const KernelRequest &request);
  PlainKernel(const PlainKernel &) = delete;
  PlainKernel &operator=(const PlainKernel &) = delete;

  const llmc_kernel &kernel() const { return plain; }

private:
  void set(const VectorChain &chain);
  void set(const Matmul &matmul);
  void set(const PackRows &pack);
  void set(const EmbedRows &rows);
  void set(const Attention &attention);

  llmc_kernel plain{};
  std::string name;
  std::variant<std::monostate, llmc_vector_chain, llmc_matmul, llmc_pack_rows, llmc_embed_rows,
               llmc_attention>
      work;
  std::vector<llmc_chain_step> steps;
  std::vector<llmc_kernel_operand> operands;
};

/// Kernels one behind the other, as emit_kernels takes them.
class PlainKernels {
public:
  explicit PlainKernels(const std::vector<KernelRequest> &requests);
  const llmc_kernel *data() const { return structs.data(); }
  uint32_t size() const { return uint32_t(structs.size()); }

private:
  std::deque<PlainKernel> kernels;
  std::vector<llmc_kernel> structs;
};

/// Refers to the names of the program.
class PlainProgram {
public:
  explicit PlainProgram(const Program &program);
  PlainProgram(const PlainProgram &) = delete;
  PlainProgram &operator=(const PlainProgram &) = delete;

  const llmc_program &program() const { return plain; }

private:
  llmc_section sectionOf(const Section &section);
  llmc_command commandOf(const Command &command);
  const llmc_command_operand *keep(const Operand *operands, size_t count);

  llmc_program plain{};
  std::deque<std::vector<llmc_command>> commands;
  std::deque<PlainKernel> kernels;
  std::deque<llmc_dma> transfers;
  std::deque<std::vector<llmc_command_operand>> operands;
};

/// Refers to the machine.
class PlainMachine {
public:
  explicit PlainMachine(const Machine &machine);
  PlainMachine(const PlainMachine &) = delete;
  PlainMachine &operator=(const PlainMachine &) = delete;

  const llmc_machine &machine() const { return plain; }

private:
  llmc_machine plain{};
  std::vector<llmc_machine_memory> memories;
};

/// Refers to the strings of the table.
llmc_isa_table plainOf(const IsaTable &isa);
/// Refers to the arrays.
llmc_weights plainOf(const WeightRows &rows);

} // namespace llmc::target
