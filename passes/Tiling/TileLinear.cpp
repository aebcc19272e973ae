// Linear layers: weights stream through the ring in tiles of rows.
#include "passes/Tiling/EntryTiler.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {

FailureOr<EntryTiler::LinearTiles> EntryTiler::tilesOf(lm::QuantizedLinearOp linear) {
  if (linear.getBias())
    return linear.emitOpError()
           << "has a bias, which the target's matrix multiplication does not add; no kernel for it";
  FailureOr<ConstantPlace> place = placeOf(linear.getWeight());
  if (failed(place))
    return failure();
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  LinearTiles tiles{*place, 0, type.getDimSize(0), type.getDimSize(1), 0};
  tiles.record = recordLayout(linear.getFormat(), tiles.columns, target.getRecordAlignment()).bytes;
  int64_t granule = target.getRowGranule();
  int64_t fitting = std::max(streamLimit() / tiles.record / granule * granule, granule);
  // Equal tiles: the last one is not much shorter than the others.
  int64_t count = llvm::divideCeil(tiles.rows, fitting);
  tiles.rowsPerTile = llvm::alignTo(llvm::divideCeil(tiles.rows, count), granule);
  return tiles;
}

void EntryTiler::tileRows(lm::QuantizedLinearOp linear, const LinearTiles &tiles, int64_t first,
                          int64_t count, const OperandView &result, const std::string &label) {
  npu::PlaceAttr from = out->place(npu::Space::Weights, tiles.place.offset + first * tiles.record,
                                   -1, 0, tiles.place.tripStride);
  Value weights = out->load(label + ".weights", from, {count * tiles.record, -1});
  const TileTensor &input = tensorOf(linear.getInput()),
                   &scales = tensorOf(linear.getInputScales());
  OperandView b{
      weights, linear.getFormat().elementBits() == 4 ? npu::Element::I4 : npu::Element::I8,
      0,       0,
      0,       count * tiles.record};
  out->matmul(label, npu::MatmulKind::Linear, {viewOf(input), viewOf(scales), b, result}, rows, 1,
              {count, -1}, {tiles.columns, -1}, linear.getFormat(), {}, false);
}

LogicalResult EntryTiler::tileLinear(lm::QuantizedLinearOp linear) {
  FailureOr<LinearTiles> tiles = tilesOf(linear);
  if (failed(tiles))
    return failure();
  TileTensor result = out->tensor("linear", rows, tiles->rows, npu::Element::F32);
  for (int64_t first = 0; first < tiles->rows; first += tiles->rowsPerTile) {
    int64_t count = std::min(tiles->rowsPerTile, tiles->rows - first);
    OperandView view{result.buffer,
                     npu::Element::F32,
                     first * 4,
                     result.tokenStride,
                     0,
                     (rows - 1) * result.tokenStride + count * 4};
    tileRows(linear, *tiles, first, count, view, "linear");
  }
  tensors[linear.getResult()] = result;
  return success();
}

/// Logits leave tile by tile: all of them at once need not fit on chip.
LogicalResult EntryTiler::tileLogits(lm::QuantizedLinearOp linear) {
  FailureOr<LinearTiles> tiles = tilesOf(linear);
  if (failed(tiles))
    return failure();
  constexpr int64_t kBuffers = 4; // so that storing one tile does not hold up the next ones
  SmallVector<TileTensor> results;
  for (int64_t first = 0, index = 0; first < tiles->rows; first += tiles->rowsPerTile, ++index) {
    int64_t count = std::min(tiles->rowsPerTile, tiles->rows - first);
    if (index < kBuffers)
      results.push_back(out->tensor("logits" + std::to_string(index), rows, tiles->rowsPerTile,
                                    npu::Element::F32));
    const TileTensor &result = results[index % kBuffers];
    OperandView view{result.buffer,
                     npu::Element::F32,
                     0,
                     result.tokenStride,
                     0,
                     (rows - 1) * result.tokenStride + count * 4};
    tileRows(linear, *tiles, first, count, view, "logits");
    out->store("logits", result.buffer, 0,
               out->place(npu::Space::Io, layout.logitsOffset + first * 4), count * 4,
               {{rows, -1}, tiles->rows * 4, result.tokenStride});
  }
  return success();
}

/// Gate and up tile by tile with the activation between, so that neither is held whole.
LogicalResult EntryTiler::tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                         lm::QuantizedLinearOp up, lm::GatedActOp gated) {
  FailureOr<LinearTiles> gateTiles = tilesOf(gate), upTiles = tilesOf(up);
  if (failed(gateTiles) || failed(upTiles))
    return failure();
  int64_t perTile = std::min(gateTiles->rowsPerTile, upTiles->rowsPerTile);
  TileTensor result = out->tensor("gated", rows, gateTiles->rows, npu::Element::F32);
  SmallVector<TileTensor> gates, ups; // two of each: the next tiles multiply while one is activated
  for (int64_t first = 0, index = 0; first < gateTiles->rows; first += perTile, ++index) {
    int64_t count = std::min(perTile, gateTiles->rows - first);
    if (index < 2) {
      gates.push_back(
          out->tensor("gate" + std::to_string(index), rows, perTile, npu::Element::F32));
      ups.push_back(out->tensor("up" + std::to_string(index), rows, perTile, npu::Element::F32));
    }
    const TileTensor &g = gates[index % 2], &u = ups[index % 2];
    int64_t bytes = (rows - 1) * g.tokenStride + count * 4;
    OperandView gateView{g.buffer, npu::Element::F32, 0, g.tokenStride, 0, bytes},
        upView{u.buffer, npu::Element::F32, 0, u.tokenStride, 0, bytes};
    tileRows(gate, *gateTiles, first, count, gateView, "gate");
    tileRows(up, *upTiles, first, count, upView, "up");
    ChainBuilder chain(*out, rows, 1, {count, -1});
    int64_t activated = chain.silu(chain.load(npu::StepKind::LoadMatrix, gateView));
    int64_t product =
        chain.step(npu::StepKind::Mul, activated, chain.load(npu::StepKind::LoadMatrix, upView));
    chain.store(npu::StepKind::StoreMatrix,
                {result.buffer, npu::Element::F32, first * 4, result.tokenStride, 0,
                 (rows - 1) * result.tokenStride + count * 4},
                product);
    chain.finish("gated_act");
  }
  tensors[group.getResult(0)] = result;
  return success();
}

} // namespace llmc::passes
