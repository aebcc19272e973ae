// Pass llmc-page-weights: slices of linear layers, each with weights that fit a slot.
#include "passes/Memory/PageWeights.h"

#include "dialects/Npu/Fallback.h"
#include "dialects/Npu/Npu.h"
#include "dialects/Npu/NpuAccess.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_PAGEWEIGHTSPASS
#include "passes/Memory/PageWeights.h.inc"

namespace {

/// Three pages are on their way while one is in use: more lets long reads hide behind short
/// kernels, fewer makes pages longer.
constexpr int64_t kSlots = 4;

/// Slots start on a vector.
constexpr int64_t kAlignment = 64;

enum Operand : unsigned { Weights = 2, Out = 3 };

npu::ViewOp pagedViewOf(Value operand) {
  auto view = operand.getDefiningOp<npu::ViewOp>();
  return view && view.getPlace().getSpace() == npu::Space::Paged ? view : npu::ViewOp();
}

/// A linear layer with paged weights, and into how many slices it is cut.
struct Layer {
  npu::MatmulOp matmul;
  int64_t units = 0; ///< Rows, or pairs of a gate and its up.
  int64_t unitBytes = 0;
  int64_t slices = 1;

  int64_t unitsPerSlice() const { return llvm::divideCeil(units, slices); }
  int64_t sliceBytes() const { return unitsPerSlice() * unitBytes; }
};

class ProgramPager {
public:
  ProgramPager(npu::ProgramOp program, int64_t slotBytes)
      : program(program), slotBytes(slotBytes), builder(program->getContext()) {}

  LogicalResult run() {
    npu::CommandList commands = npu::commandsOf(program);
    SmallVector<Layer> prologue, body, epilogue;
    if (failed(collect(commands.prologue, prologue)) || failed(collect(commands.body, body)) ||
        failed(collect(commands.epilogue, epilogue)))
      return failure();
    if (!evenOut(body))
      return program.emitError() << "has " << countOf(body) << " pages of one row in its loop, "
                                 << "which must be a multiple of " << kSlots
                                 << "; its weights cannot be paged";
    int64_t first = -countOf(prologue); // the loop begins with slot 0
    cutAll(prologue, first);
    cutAll(body, 0);
    cutAll(epilogue, 0);
    return success();
  }

private:
  LogicalResult collect(ArrayRef<Operation *> commands, SmallVector<Layer> &layers) {
    for (Operation *command : commands)
      for (Value operand : command->getOperands())
        if (npu::ViewOp view = pagedViewOf(operand))
          if (failed(collect(command, view, layers)))
            return failure();
    return success();
  }

  LogicalResult collect(Operation *command, npu::ViewOp view, SmallVector<Layer> &layers) {
    if (auto embed = dyn_cast<npu::EmbedRowsOp>(command); embed && embed.getGathered())
      return success();
    auto matmul = dyn_cast<npu::MatmulOp>(command);
    if (!matmul || matmul.getKind() != npu::MatmulKind::Linear ||
        matmul.getOperands()[Weights] != view.getResult())
      return command->emitOpError() << "reads paged weights, which only linear layers and "
                                       "embeddings do";
    bool paired = matmul.getEpilogue() == npu::Epilogue::SiluMul;
    int64_t rows = matmul.getN().getValue();
    Layer layer{matmul, paired ? rows / 2 : rows, 0, 1};
    layer.unitBytes = int64_t(view.getBytes()) / layer.units;
    if (layer.unitBytes > slotBytes)
      return command->emitOpError()
             << "has rows of " << layer.unitBytes << " bytes" << (paired ? " with their ups" : "")
             << ", a slot has " << slotBytes << "; raise the weight budget by "
             << kSlots * llvm::alignTo(layer.unitBytes - slotBytes, kAlignment) << " bytes";
    layer.slices = llvm::divideCeil(layer.units, slotBytes / layer.unitBytes);
    layers.push_back(layer);
    return success();
  }

  static int64_t countOf(ArrayRef<Layer> layers) {
    int64_t count = 0;
    for (const Layer &layer : layers)
      count += llvm::divideCeil(layer.units, layer.unitsPerSlice());
    return count;
  }

  /// Cuts the layers with the longest pages once more, until the pages are a multiple of the slots.
  /// False where no layer can be cut any more.
  static bool evenOut(MutableArrayRef<Layer> layers) {
    while (countOf(layers) % kSlots != 0) {
      auto longest = std::max_element(layers.begin(), layers.end(), [](auto &a, auto &b) {
        return a.sliceBytes() * (a.unitsPerSlice() > 1) < b.sliceBytes() * (b.unitsPerSlice() > 1);
      });
      if (longest->unitsPerSlice() == 1)
        return false;
      int64_t before = countOf(*longest);
      while (countOf(*longest) == before)
        ++longest->slices;
    }
    return true;
  }

  void cutAll(ArrayRef<Layer> layers, int64_t page) {
    for (const Layer &layer : layers)
      for (int64_t first = 0; first < layer.units; first += layer.unitsPerSlice(), ++page)
        cut(layer, first, std::min(layer.unitsPerSlice(), layer.units - first),
            llvm::mod(page, kSlots));
    for (Layer layer : layers) {
      auto view = layer.matmul.getOperands()[Weights].getDefiningOp<npu::ViewOp>();
      layer.matmul.erase();
      if (view->use_empty())
        view.erase();
    }
  }

  /// Units [first, first + count) of a layer as a command of their own.
  void cut(const Layer &layer, int64_t first, int64_t count, int64_t slot) {
    npu::MatmulOp whole = layer.matmul;
    auto view = whole.getOperands()[Weights].getDefiningOp<npu::ViewOp>();
    bool paired = whole.getEpilogue() == npu::Epilogue::SiluMul;
    int64_t rowBytes = layer.unitBytes / (paired ? 2 : 1);
    builder.setInsertionPoint(whole);
    npu::PlaceAttr at = view.getPlace();
    auto place = [&](int64_t row) { return at.getOffset() + row * rowBytes; };
    auto page = npu::ViewOp::create(
        builder, whole.getLoc(), view.getType(), view.getLabel(),
        npu::PlaceAttr::get(builder.getContext(), at.getSpace(), place(first), at.getArgument(),
                            at.getArgumentStride(), at.getTripStride()),
        count * layer.unitBytes, builder.getI64IntegerAttr(slot),
        paired ? builder.getI64IntegerAttr(place(layer.units + first)) : IntegerAttr());
    auto slice = cast<npu::MatmulOp>(builder.clone(*whole));
    slice->setOperand(Weights, page);
    slice.setNAttr(npu::ExtentAttr::get(builder.getContext(), paired ? 2 * count : count, -1));
    SmallVector<Attribute> accesses(whole.getAccesses().getValue());
    auto weights = cast<npu::AccessAttr>(accesses[Weights]),
         out = cast<npu::AccessAttr>(accesses[Out]);
    accesses[Weights] = moved(weights, 0, count * layer.unitBytes - weights.getBytes());
    accesses[Out] = moved(out, first * kFloat, (count - layer.units) * kFloat);
    slice.setAccessesAttr(builder.getArrayAttr(accesses));
  }

  npu::AccessAttr moved(npu::AccessAttr access, int64_t by, int64_t longer) {
    return npu::AccessAttr::get(builder.getContext(), access.getElement(),
                                access.getBytes() + longer, access.getOffset() + by,
                                access.getTokenStride(), access.getSubStride(),
                                access.getArgument(), access.getArgumentStride());
  }

  static constexpr int64_t kFloat = 4;

  npu::ProgramOp program;
  int64_t slotBytes;
  OpBuilder builder;
};

struct PageWeightsPass : impl::PageWeightsPassBase<PageWeightsPass> {
  void runOnOperation() override {
    auto target = npu::TargetAttr::of(getOperation());
    packing = npu::PackingAttr::of(getOperation());
    if (!target || !target.getWeightBudget())
      return;
    int64_t gathered = 0;
    WalkResult embeddings = getOperation().walk([&](npu::EmbedRowsOp embed) {
      FailureOr<int64_t> bytes = gather(embed);
      gathered = std::max(gathered, bytes.value_or(0));
      return failed(bytes) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (embeddings.wasInterrupted())
      return signalPassFailure();
    int64_t resident = 0;
    for (auto constant : getOperation().getOps<npu::ConstantOp>())
      if (!constant.getPaged())
        resident = std::max(resident, int64_t(constant.getOffset() + constant.getBytes()));
    int64_t left = target.getWeightBudget() - resident - gathered,
            slotBytes = left / kSlots / kAlignment * kAlignment;
    if (slotBytes <= 0) {
      getOperation().emitError() << "a weight budget of " << target.getWeightBudget()
                                 << " bytes leaves no room for pages: weights that stay take "
                                 << resident << " bytes, gathered rows of the embedding "
                                 << gathered;
      return signalPassFailure();
    }
    for (npu::ProgramOp program : getOperation().getOps<npu::ProgramOp>())
      if (failed(ProgramPager(program, slotBytes).run()))
        return signalPassFailure();
  }

  /// Bytes of the rows that are gathered for `embed`.
  FailureOr<int64_t> gather(npu::EmbedRowsOp embed) {
    enum : unsigned { Table = 1 };
    if (!pagedViewOf(embed.getOperands()[Table]))
      return 0;
    std::optional<int64_t> row = packing ? packing.rowBytes(embed.getFormat(), embed.getColumns(),
                                                            bool(npu::fallbackOf(embed)))
                                         : std::nullopt;
    if (!row)
      return embed.emitOpError() << "has rows of which " << npu::PackingAttr::moduleAttributeName
                                 << " on the module gives no size";
    int64_t bytes = embed.getTokens().getValue() * *row;
    SmallVector<Attribute> accesses(embed.getAccesses().getValue());
    auto table = cast<npu::AccessAttr>(accesses[Table]);
    accesses[Table] =
        npu::AccessAttr::get(&getContext(), table.getElement(), bytes, 0, table.getTokenStride(),
                             table.getSubStride(), table.getArgument(), table.getArgumentStride());
    embed.setAccessesAttr(ArrayAttr::get(&getContext(), accesses));
    embed.setGathered(*row);
    return int64_t(llvm::alignTo(bytes, kAlignment));
  }

  npu::PackingAttr packing;
};

} // namespace
} // namespace llmc::passes
