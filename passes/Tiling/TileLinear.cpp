// Linear layers: weights stream in by tiles of rows.
#include "passes/Tiling/EntryTiler.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc::passes {

npu::Element EntryTiler::weightElementOf(lm::FormatAttr format) {
  return format.elementBits() == 4 ? npu::Element::I4 : npu::Element::I8;
}

LogicalResult EntryTiler::measure(lm::QuantizedLinearOp linear, LinearTiles &tiles) {
  lm::FormatAttr format = linear.getFormat();
  if (!npu::PackingAttr::isOwnLayout(module)) {
    tiles.granuleBytes = recordLayout(format, tiles.columns, target.getRecordAlignment()).bytes;
    return success();
  }
  tiles.granule = target.getRowGranule();
  tiles.granuleBytes =
      npu::PackingAttr::of(module).weightsBytes(format, tiles.granule, tiles.columns).value_or(0);
  if (tiles.granuleBytes > 0)
    return success();
  return linear.emitOpError() << "reads weights of " << tiles.columns << " columns in " << format
                              << ", of which " << npu::PackingAttr::moduleAttributeName
                              << " on the module gives no size for " << tiles.granule << " rows";
}

FailureOr<EntryTiler::LinearTiles> EntryTiler::tilesOf(lm::QuantizedLinearOp linear) {
  if (linear.getBias())
    return linear.emitOpError()
           << "has a bias, which the target's matrix multiplication does not add; no kernel for it";
  FailureOr<ConstantPlace> place = placeOf(linear.getWeight());
  if (failed(place))
    return failure();
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  LinearTiles tiles{*place, type.getDimSize(0), type.getDimSize(1)};
  if (failed(measure(linear, tiles)))
    return failure();
  int64_t granule = target.getRowGranule();
  int64_t fitting =
      std::max(streamLimit() * tiles.granule / tiles.granuleBytes / granule * granule, granule);
  // Equal tiles: the last one is not much shorter than the others.
  int64_t count = llvm::divideCeil(tiles.rows, fitting);
  tiles.rowsPerTile = llvm::alignTo(llvm::divideCeil(tiles.rows, count), granule);
  return tiles;
}

void EntryTiler::tileRows(lm::QuantizedLinearOp linear, const LinearTiles &tiles, int64_t first,
                          int64_t count, const TileTensor &result, const std::string &label) {
  npu::PlaceAttr from = out->place(npu::Space::Weights, tiles.place.offset + tiles.offsetOf(first),
                                   -1, 0, tiles.place.tripStride);
  int64_t bytes = tiles.bytesOf(first, count);
  Value weights = out->load(label + ".weights", from, {bytes, -1});
  const TileTensor &input = tensorOf(linear.getInput()),
                   &scales = tensorOf(linear.getInputScales());
  OperandView b{weights, weightElementOf(linear.getFormat()), 0, 0, 0, bytes};
  out->matmul(label, npu::MatmulKind::Linear, {viewOf(input), viewOf(scales), b, viewOf(result)},
              rows, 1, {count, -1}, {tiles.columns, -1}, linear.getFormat(), {}, false);
}

/// Columns of a part that goes to scratch: whole tiles, so many that its rows fill a stream buffer,
/// since memory likes long runs.
int64_t EntryTiler::partColumns(int64_t perTile) {
  return perTile * std::max<int64_t>(streamLimit() / (rows * perTile * 4), 1);
}

void EntryTiler::tileColumns(const TileTensor &whole, int64_t perTile, int64_t partColumns,
                             const std::string &label,
                             function_ref<void(int64_t, int64_t, const TileTensor &)> tile) {
  int64_t perPart = whole.isOffChip() ? std::min(partColumns, whole.columns) : whole.columns;
  Outlet outlet(*out, label, whole, rows, perPart);
  int64_t index = 0;
  for (int64_t start = 0; start < whole.columns; start += perPart) {
    TileTensor part = outlet.open(0, rows, start, std::min(perPart, whole.columns - start));
    for (int64_t first = 0; first < part.columns; first += perTile)
      tile(index++, start + first,
           part.columnsFrom(first, std::min(perTile, part.columns - first)));
    outlet.close();
  }
}

LogicalResult EntryTiler::tileLinear(lm::QuantizedLinearOp linear) {
  FailureOr<LinearTiles> tiles = tilesOf(linear);
  if (failed(tiles))
    return failure();
  TileTensor result = newTensor(linear.getResult(), "linear", tiles->rows, npu::Element::F32);
  tileColumns(result, tiles->rowsPerTile, partColumns(tiles->rowsPerTile), "linear",
              [&](int64_t, int64_t first, const TileTensor &tile) {
                tileRows(linear, *tiles, first, tile.columns, tile, "linear");
              });
  define(linear.getResult(), result);
  return success();
}

/// Logits leave tile by tile: all of them at once need not fit on chip.
LogicalResult EntryTiler::tileLogits(lm::QuantizedLinearOp linear) {
  FailureOr<LinearTiles> tiles = tilesOf(linear);
  if (failed(tiles))
    return failure();
  TileTensor logits{{},
                    npu::Element::F32,
                    rows,
                    tiles->rows,
                    layout.logitsOffset(),
                    tiles->rows * 4,
                    npu::Space::Io};
  tileColumns(logits, tiles->rowsPerTile, tiles->rowsPerTile, "logits",
              [&](int64_t, int64_t first, const TileTensor &tile) {
                tileRows(linear, *tiles, first, tile.columns, tile, "logits");
              });
  return success();
}

/// Gate and up tile by tile with the activation between, so that neither is held whole.
LogicalResult EntryTiler::tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                         lm::QuantizedLinearOp up, lm::GatedActOp gated) {
  FailureOr<LinearTiles> gateTiles = tilesOf(gate), upTiles = tilesOf(up);
  if (failed(gateTiles) || failed(upTiles))
    return failure();
  int64_t perTile = std::min(gateTiles->rowsPerTile, upTiles->rowsPerTile);
  TileTensor result = newTensor(group.getResult(0), "gated", gateTiles->rows, npu::Element::F32);
  SmallVector<TileTensor> gates, ups; // two of each: the next tiles multiply while one is activated
  auto activate = [&](int64_t index, int64_t first, const TileTensor &tile) {
    if (index < 2) {
      gates.push_back(
          out->tensor("gate" + std::to_string(index), rows, perTile, npu::Element::F32));
      ups.push_back(out->tensor("up" + std::to_string(index), rows, perTile, npu::Element::F32));
    }
    TileTensor g = gates[index % 2].columnsFrom(0, tile.columns),
               u = ups[index % 2].columnsFrom(0, tile.columns);
    tileRows(gate, *gateTiles, first, tile.columns, g, "gate");
    tileRows(up, *upTiles, first, tile.columns, u, "up");
    ChainBuilder chain(*out, rows, 1, {tile.columns, -1});
    int64_t activated = chain.silu(chain.load(npu::StepKind::LoadMatrix, viewOf(g)));
    int64_t product =
        chain.step(npu::StepKind::Mul, activated, chain.load(npu::StepKind::LoadMatrix, viewOf(u)));
    chain.store(npu::StepKind::StoreMatrix, viewOf(tile), product);
    chain.finish("gated_act");
  };
  tileColumns(result, perTile, partColumns(perTile), "gated", activate);
  define(group.getResult(0), result);
  return success();
}

} // namespace llmc::passes
