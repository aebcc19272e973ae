#include "compiler/Emit/EmitProgram.h"

#include "dialects/Npu/NpuAccess.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace llmc {

namespace {

// The dialect's enumerations list their cases in the order of the interface's.
static_assert(int(npu::Engine::Vector) == int(target::Engine::Vector) &&
              int(npu::Space::Scratch) == int(target::Space::Scratch));
static_assert(int(npu::Element::U4) == int(target::ElementType::U4) &&
              int(npu::MatmulKind::Values) == int(target::MatmulKind::Values));
static_assert(int(npu::Epilogue::SiluMul) == int(target::Epilogue::SiluMul));
static_assert(int(npu::StepKind::StoreScalar) == int(target::Step::StoreScalar) &&
              int(npu::StepKind::LoadGroup) == int(target::Step::LoadGroup) &&
              int(npu::StepKind::KeepGe) == int(target::Step::KeepGe));

class ProgramEmitter {
public:
  ProgramEmitter(const std::vector<int16_t> &parameters, std::vector<uint32_t> maxima = {})
      : parameters(parameters), maxima(std::move(maxima)) {}

  target::Command emit(Operation *op, uint32_t id) {
    target::Command command;
    command.engine = target::Engine(npu::engineOf(op));
    command.id = id;
    command.name = npu::labelOf(op).str();
    if (ArrayAttr waits = npu::waitsOf(op))
      for (auto wait : waits.getAsRange<npu::WaitAttr>())
        command.waits.push_back(
            {target::Engine(wait.getEngine()), wait.getValue(), wait.getPerTrip()});
    if (auto dma = dyn_cast<npu::DmaOp>(op))
      command.work = emit(dma);
    else if (auto matmul = dyn_cast<npu::MatmulOp>(op))
      command.work = emit(matmul);
    else
      command.work = emit(cast<npu::ChainOp>(op));
    return command;
  }

  target::KernelWork emitWork(Operation *command) const {
    return llvm::TypeSwitch<Operation *, target::KernelWork>(command)
        .Case<npu::MatmulOp, npu::ChainOp, npu::PackRowsOp, npu::EmbedRowsOp, npu::AttentionOp>(
            [&](auto op) { return shapeOf(op); });
  }

  target::KernelRequest emitRequest(npu::KernelOp kernel) const {
    target::KernelRequest request;
    request.name = kernel.getSymName().str();
    Operation *command = npu::commandOf(kernel);
    auto matmul = dyn_cast<npu::MatmulOp>(command);
    request.work = emitWork(command);
    ArrayAttr accesses = npu::operandAccessesOf(command);
    request.operands.resize(matmul ? 4 : accesses.size());
    for (auto [index, access] : llvm::enumerate(accesses.getAsRange<npu::AccessAttr>()))
      request.operands[matmul ? slotOf(matmul, unsigned(index)) : index] = kernelOperand(access);
    return request;
  }

private:
  int16_t parameter(int64_t argument) const {
    return argument < 0 ? int16_t(-1) : parameters[size_t(argument)];
  }

  target::Extent extent(npu::ExtentAttr extent) const {
    return {uint32_t(extent.getValue()), parameter(extent.getArgument())};
  }

  target::Address address(npu::PlaceAttr place) const {
    return {target::Space(place.getSpace()), uint64_t(place.getOffset()),
            parameter(place.getArgument()), uint32_t(place.getArgumentStride()),
            uint64_t(place.getTripStride())};
  }

  static uint64_t offsetOf(Value buffer) {
    return *buffer.getDefiningOp<npu::BufferOp>().getOffset();
  }

  target::Operand operand(Value buffer, npu::AccessAttr access) const {
    target::Operand result;
    result.address = {target::Space::Sram, offsetOf(buffer) + uint64_t(access.getOffset()),
                      parameter(access.getArgument()), uint32_t(access.getArgumentStride()), 0};
    result.type = target::ElementType(access.getElement());
    result.tokenStride = uint32_t(access.getTokenStride());
    result.subStride = uint32_t(access.getSubStride());
    // The access is counted from its offset on, the operand from where its argument puts it.
    uint64_t reach = 0;
    if (int16_t argument = parameter(access.getArgument()); argument >= 0)
      reach = uint64_t(maxima[size_t(argument)]) * uint64_t(access.getArgumentStride());
    result.bytes = uint64_t(access.getBytes()) - std::min(reach, uint64_t(access.getBytes()));
    return result;
  }

  target::Dma emit(npu::DmaOp dma) const {
    target::Dma result;
    target::Address onChip{target::Space::Sram,
                           offsetOf(dma.getBuffer()) + uint64_t(dma.getOffset()), -1, 0, 0};
    target::Address offChip = address(dma.getPlace());
    result.source = dma.getStore() ? onChip : offChip;
    result.destination = dma.getStore() ? offChip : onChip;
    result.run = extent(dma.getRun());
    result.runUnit = uint32_t(dma.getRunUnit());
    for (int i = 0; i < 2; ++i) {
      result.counts[i] = extent(cast<npu::ExtentAttr>(dma.getCounts()[i]));
      uint64_t place = uint64_t(dma.getPlaceStrides()[i]),
               buffer = uint64_t(dma.getBufferStrides()[i]);
      result.sourceStrides[i] = dma.getStore() ? buffer : place;
      result.destinationStrides[i] = dma.getStore() ? place : buffer;
    }
    if (dma.getIds()) {
      result.gather = true;
      result.ids = address(*dma.getIds());
      result.gatherBound = uint32_t(dma.getGatherBound());
    }
    return result;
  }

  target::MatmulCommand emit(npu::MatmulOp matmul) const {
    target::MatmulCommand result;
    result.matmul = shapeOf(matmul);
    for (auto [index, buffer] : llvm::enumerate(matmul.getOperands()))
      result.operands[slotOf(matmul, unsigned(index))] =
          operand(buffer, cast<npu::AccessAttr>(matmul.getAccesses()[index]));
    return result;
  }

  target::ChainCommand emit(npu::ChainOp chain) const {
    target::ChainCommand result;
    result.chain = shapeOf(chain);
    for (auto [buffer, access] : llvm::zip(chain.getOperands(), chain.getAccesses()))
      result.operands.push_back(operand(buffer, cast<npu::AccessAttr>(access)));
    return result;
  }

  /// Without row scales the second operand is b.
  static unsigned slotOf(npu::MatmulOp matmul, unsigned index) {
    bool isLinear = matmul.getKind() == npu::MatmulKind::Linear;
    return isLinear || index == 0 ? index : index + 1;
  }

  target::Matmul shapeOf(npu::MatmulOp matmul) const {
    target::Matmul shape;
    shape.kind = target::MatmulKind(matmul.getKind());
    shape.tokens = extent(matmul.getTokens());
    shape.subRows = uint32_t(matmul.getSubRows());
    shape.n = extent(matmul.getN());
    shape.k = extent(matmul.getK());
    shape.accumulate = matmul.getAccumulate();
    shape.epilogue = target::Epilogue(matmul.getEpilogue());
    if (matmul.getScale())
      shape.scale = matmul.getScale()->convertToFloat();
    if (matmul.getFormat())
      convertFormat(*matmul.getFormat(), shape.format);
    return shape;
  }

  target::VectorChain shapeOf(npu::ChainOp chain) const {
    target::VectorChain shape;
    shape.tokens = extent(chain.getTokens());
    shape.subRows = uint32_t(chain.getSubRows());
    shape.columns = extent(chain.getColumns());
    shape.positionArgument = parameter(chain.getPositionArgument());
    shape.firstToken = uint32_t(chain.getFirstToken());
    for (auto step : chain.getSteps().getAsRange<npu::StepAttr>()) {
      target::ChainStep out;
      out.step = target::Step(step.getKind());
      out.a = uint8_t(std::max<int64_t>(step.getA(), 0));
      out.b = uint8_t(std::max<int64_t>(step.getB(), 0));
      out.operand = uint8_t(std::max<int64_t>(step.getOperand(), 0));
      out.imm = step.getImm() ? step.getImm().getValue().convertToFloat() : 0.0f;
      shape.steps.push_back(out);
    }
    return shape;
  }

  target::PackRows shapeOf(npu::PackRowsOp pack) const {
    return {extent(pack.getTokens()), 1, uint32_t(pack.getColumns()), uint32_t(pack.getGroup())};
  }

  target::EmbedRows shapeOf(npu::EmbedRowsOp embed) const {
    target::EmbedRows shape{extent(embed.getTokens()),
                            uint32_t(embed.getColumns()),
                            {},
                            embed.getGathered().has_value()};
    convertFormat(embed.getFormat(), shape.format);
    return shape;
  }

  target::Attention shapeOf(npu::AttentionOp attention) const {
    target::Attention shape;
    shape.tokens = extent(attention.getTokens());
    shape.heads = uint32_t(attention.getHeads());
    shape.kvHeads = uint32_t(attention.getKvHeads());
    shape.headDim = uint32_t(attention.getHeadDim());
    shape.capacity = uint32_t(attention.getCapacity());
    shape.scale = attention.getScale().convertToFloat();
    shape.positionArgument = parameter(attention.getPositionArgument());
    return shape;
  }

  target::KernelOperand kernelOperand(npu::AccessAttr access) const {
    return {target::ElementType(access.getElement()), uint32_t(access.getTokenStride()),
            uint32_t(access.getSubStride()),          parameter(access.getArgument()),
            uint32_t(access.getArgumentStride()),     uint64_t(access.getBytes())};
  }

  const std::vector<int16_t> &parameters;
  std::vector<uint32_t> maxima; ///< Of the parameters; needed for operands in SRAM alone.
};

} // namespace

bool convertFormat(lm::FormatAttr format, target::WeightFormat &result) {
  if (format.getElement() != lm::ElementKind::I8 && format.getElement() != lm::ElementKind::I4)
    return false;
  result.element = format.getElement() == lm::ElementKind::I8 ? target::ElementType::I8
                                                              : target::ElementType::I4;
  result.group = format.getGroup();
  switch (format.getScale()) {
  case lm::ScaleKind::F32:
    result.scale = format.getGroup() == 0 ? target::ScaleKind::F32Row : target::ScaleKind::F32Group;
    return true;
  case lm::ScaleKind::F16:
    result.scale = target::ScaleKind::F16Group;
    return true;
  case lm::ScaleKind::Multiplier:
    result.scale = target::ScaleKind::MultiplierF32Row;
    return true;
  case lm::ScaleKind::E8M0:
    return false;
  }
  llvm_unreachable("all scale kinds are listed");
}

target::Program emitProgram(npu::ProgramOp program, const std::vector<int16_t> &parameters,
                            const std::vector<uint32_t> &maxima) {
  target::Program result;
  result.entry = program.getSymName().str();
  result.arguments = uint32_t(maxima.size());
  result.argumentMax = maxima;
  result.sramBytes = program.getSramBytes().value_or(0);
  npu::CommandList commands = npu::commandsOf(program);
  result.trips = uint32_t(commands.trips);
  ProgramEmitter emitter(parameters, maxima);
  uint32_t id = 0;
  for (Operation *op : commands.prologue)
    result.prologue.commands.push_back(emitter.emit(op, id++));
  for (Operation *op : commands.body)
    result.body.commands.push_back(emitter.emit(op, id++));
  for (Operation *op : commands.epilogue)
    result.epilogue.commands.push_back(emitter.emit(op, id++));
  return result;
}

target::KernelWork emitWork(Operation *command, const std::vector<int16_t> &parameters) {
  return ProgramEmitter(parameters).emitWork(command);
}

target::KernelRequest emitRequest(npu::KernelOp kernel, const std::vector<int16_t> &parameters) {
  return ProgramEmitter(parameters).emitRequest(kernel);
}

} // namespace llmc
