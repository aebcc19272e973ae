#include "passes/Lowering/DirectProgram.h"

#include "dialects/Npu/NpuAccess.h"

using namespace mlir;

namespace llmc::passes {

namespace {

class Outliner {
public:
  Outliner(npu::ProgramOp program, FileBuilder &out, const DirectMemories &memories,
           FlatSymbolRefAttr counter)
      : program(program), out(out), memories(memories), counter(counter),
        builder(program->getContext()), symbols(program->getParentOfType<ModuleOp>()) {}

  DirectProgram run() {
    npu::CommandList commands = npu::commandsOf(program);
    result.trips = commands.trips;
    for (auto [from, to] :
         {std::pair(&commands.prologue, &result.prologue), std::pair(&commands.body, &result.body),
          std::pair(&commands.epilogue, &result.epilogue)})
      for (Operation *command : *from)
        to->push_back({kernelOf(command), operandsOf(command)});
    return std::move(result);
  }

private:
  /// Index of the kernel that does what `command` does.
  size_t kernelOf(Operation *command) {
    SmallVector<Attribute> accesses;
    for (auto access : npu::operandAccessesOf(command).getAsRange<npu::AccessAttr>())
      accesses.push_back(npu::AccessAttr::get(builder.getContext(), access.getElement(),
                                              access.getBytes(), /*offset=*/0,
                                              access.getTokenStride(), access.getSubStride(),
                                              access.getArgument(), access.getArgumentStride()));
    NamedAttrList attributes(command->getAttrs());
    attributes.set("accesses", builder.getArrayAttr(accesses));
    attributes.erase("label");
    Attribute key = builder.getArrayAttr({builder.getStringAttr(command->getName().getStringRef()),
                                          attributes.getDictionary(builder.getContext())});
    auto [known, isNew] = indices.try_emplace(key, result.kernels.size());
    if (isNew)
      result.kernels.push_back(outline(command, accesses));
    return known->second;
  }

  npu::KernelOp outline(Operation *command, ArrayRef<Attribute> accesses) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfter(result.kernels.empty() ? program.getOperation()
                                                          : result.kernels.back().getOperation());
    StringRef label = npu::labelOf(command);
    auto name = builder.getStringAttr(program.getSymName() + "." + label);
    auto kernel = npu::KernelOp::create(builder, command->getLoc(), name,
                                        FlatSymbolRefAttr::get(program.getSymNameAttr()));
    symbols.insert(kernel); // renames where the name is taken
    builder.setInsertionPointToEnd(&kernel.getBody().emplaceBlock());
    SmallVector<Value> views;
    auto nowhere = npu::PlaceAttr::get(builder.getContext(), npu::Space::Scratch, 0, -1, 0, 0);
    for (auto [index, access] : llvm::enumerate(accesses))
      views.push_back(npu::ViewOp::create(
          builder, command->getLoc(), builder.getType<npu::BufferType>(),
          ("operand" + Twine(index)).str(), nowhere, cast<npu::AccessAttr>(access).getBytes()));
    Operation *copy = builder.clone(*command);
    copy->setOperands(views);
    copy->setAttr("accesses", builder.getArrayAttr(accesses));
    return kernel;
  }

  SmallVector<Attribute> operandsOf(Operation *command) {
    ArrayAttr accesses = npu::operandAccessesOf(command);
    SmallVector<unsigned> uses(accesses.size(), 0); // bits of plan::OperandAccess
    for (const npu::BufferAccess &touched : npu::accessesOf(command))
      for (auto [index, operand] : llvm::enumerate(command->getOperands()))
        if (operand == touched.buffer &&
            cast<npu::AccessAttr>(accesses[index]).getOffset() == touched.begin)
          uses[index] |=
              unsigned(touched.isWrite ? plan::OperandAccess::Write : plan::OperandAccess::Read);
    SmallVector<Attribute> operands;
    for (auto [index, operand] : llvm::enumerate(command->getOperands()))
      operands.push_back(operandOf(npu::labelOf(command), operand,
                                   cast<npu::AccessAttr>(accesses[index]),
                                   plan::OperandAccess(uses[index])));
    return operands;
  }

  FlatSymbolRefAttr operandOf(StringRef label, Value buffer, npu::AccessAttr access,
                              plan::OperandAccess use) {
    auto view = buffer.getDefiningOp<npu::ViewOp>();
    uint64_t begin = view ? uint64_t(view.getPlace().getOffset())
                          : *buffer.getDefiningOp<npu::BufferOp>().getOffset();
    SmallVector<Attribute> strides;
    if (view && view.getPlace().getTripStride() != 0)
      strides.push_back(
          plan::StrideAttr::get(builder.getContext(), counter, view.getPlace().getTripStride()));
    return out.operand((program.getSymName() + "." + label).str(),
                       view ? memoryOf(view.getPlace().getSpace()) : memories.scratch,
                       begin + uint64_t(access.getOffset()), uint64_t(access.getBytes()), use,
                       builder.getArrayAttr(strides));
  }

  FlatSymbolRefAttr memoryOf(npu::Space space) const {
    switch (space) {
    case npu::Space::Weights:
      return memories.weights;
    case npu::Space::State:
      return memories.state;
    case npu::Space::Ids:
      return memories.ids;
    case npu::Space::Io:
      return memories.io;
    case npu::Space::Scratch:
      return memories.scratch;
    }
    llvm_unreachable("all spaces are listed");
  }

  npu::ProgramOp program;
  FileBuilder &out;
  const DirectMemories &memories;
  FlatSymbolRefAttr counter;
  OpBuilder builder;
  SymbolTable symbols;
  DenseMap<Attribute, size_t> indices;
  DirectProgram result;
};

} // namespace

DirectProgram outlineKernels(npu::ProgramOp program, FileBuilder &out,
                             const DirectMemories &memories, FlatSymbolRefAttr counter) {
  return Outliner(program, out, memories, counter).run();
}

} // namespace llmc::passes
