// The records of plans: as the schema has them, byte for byte; what is beyond 32 bits.
#include "catch2/catch.hpp"

#include <bit>

#include "compiler/Emit/PlanDescription.h"
#include "runtime/base/device.h"
#include "runtime/schema/plan_generated.h"

using namespace llmc;
namespace fb = llmc::plan::fb;

TEST_CASE("records.h and the schema name the same fields") {
  // Every field gets its own value through one description and is read through the other.
  rt::Target target = {{{1, 2, 3, 4}}, 5, 6, 7, 8, 9, 10};
  auto g = std::bit_cast<fb::Target>(target);
  CHECK((g.config().w0() == 1 && g.config().w3() == 4 && g.abi() == 5 && g.driver_min() == 6));
  CHECK((g.backend() == 7 && g.device() == 8 && g.variant() == 9 && g.reserved() == 10));
  rt::Region region = {1, 2, 3, 4, rt::RegionKind::Tcm, rt::Lifetime::Call, 5};
  auto r = std::bit_cast<fb::Region>(region);
  CHECK((r.size() == 1 && r.name() == 2 && r.reserved() == 3 && r.align_log2() == 4));
  CHECK((r.kind() == fb::RegionKind::Tcm && r.lifetime() == fb::Lifetime::Call && r.access() == 5));
  rt::Segment segment = {1, 2, 3, 4, 5, 6, 7, 8, rt::SegmentKind::Debug, 9, 10, 11};
  auto s = std::bit_cast<fb::Segment>(segment);
  CHECK((s.offset() == 1 && s.size() == 2 && s.region_offset() == 3 && s.digest() == 4));
  CHECK((s.name() == 5 && s.region() == 6 && s.flags() == 7 && s.reserved() == 8));
  CHECK((s.kind() == fb::SegmentKind::Debug && s.align_log2() == 9 && s.codec() == 10 &&
         s.chunk_log2() == 11));
  rt::Param param = {1, 2, rt::ParamKind::Mod, 3, 4, 5};
  auto p = std::bit_cast<fb::Param>(param);
  CHECK(
      (p.max() == 1 && p.imm() == 2 && p.kind() == fb::ParamKind::Mod && p.a() == 3 && p.b() == 4));
  rt::Move move = {1, 2, {3, 4, 5}, {6, 7, 8}, 9};
  auto m = std::bit_cast<fb::Move>(move);
  CHECK((m.offset() == 1 && m.extent() == 2 && m.stride0() == 3 && m.stride1() == 4 &&
         m.stride2() == 5));
  CHECK((m.param0() == 6 && m.param1() == 7 && m.param2() == 8 && m.reserved() == 9));
  rt::Operand operand = {1, 2, 3, 4, 5};
  auto o = std::bit_cast<fb::Operand>(operand);
  CHECK(
      (o.offset() == 1 && o.extent() == 2 && o.region() == 3 && o.access() == 4 && o.move() == 5));
}

TEST_CASE("records.h and the schema name the same fields of what runs") {
  rt::Blob blob = {1, 2, 3, 4};
  auto b = std::bit_cast<fb::Blob>(blob);
  CHECK((b.offset() == 1 && b.size() == 2 && b.segment() == 3 && b.target() == 4));
  rt::Kernel kernel = {1, 2, 3, 4, 5};
  auto k = std::bit_cast<fb::Kernel>(kernel);
  CHECK((k.entry() == 1 && k.est_cycles() == 2 && k.stack() == 3 && k.blob() == 4 &&
         k.n_args() == 5));
  rt::Queue queue = {1, 2};
  auto q = std::bit_cast<fb::Queue>(queue);
  CHECK((q.target() == 1 && q.index() == 2));
  rt::Rows rows = {1, 2, 3, 4, 5, 6, 7};
  auto w = std::bit_cast<fb::Rows>(rows);
  CHECK((w.bytes() == 1 && w.count() == 2 && w.src_pitch() == 3 && w.dst_pitch() == 4 &&
         w.count_param() == 5));
  rt::Step step = {rt::StepOp::Mark, 1, 2, 3};
  auto t = std::bit_cast<fb::Step>(step);
  CHECK((t.op() == fb::StepOp::Mark && t.queue() == 1 && t.a() == 2 && t.b() == 3));
  rt::State state = {1,
                     2,
                     3,
                     4,
                     5,
                     6,
                     7,
                     8,
                     9,
                     10,
                     11,
                     12,
                     rt::StateKind::KvFlat,
                     rt::StateRole::Value,
                     rt::DType::U4,
                     13,
                     14};
  auto v = std::bit_cast<fb::State>(state);
  CHECK((v.offset() == 1 && v.max_tokens() == 2 && v.window() == 3 && v.token_stride() == 4));
  CHECK((v.head_stride() == 5 && v.layer_stride() == 6 && v.layout_hash() == 7));
  CHECK((v.region() == 8 && v.layers() == 9 && v.heads() == 10 && v.head_dim() == 11));
  CHECK((v.scale_state() == 12 && v.kind() == fb::StateKind::KvFlat));
  CHECK((v.role() == fb::StateRole::Value && v.dtype() == fb::DType::U4));
  rt::Tensor tensor = {1, 2, 3, 4, rt::TensorRole::Logits, rt::DType::I8, 5};
  auto n = std::bit_cast<fb::Tensor>(tensor);
  CHECK((n.name() == 1 && n.operand() == 2 && n.first_dim() == 3 && n.rank() == 4));
  CHECK((n.role() == fb::TensorRole::Logits && n.dtype() == fb::DType::I8));
  rt::Entry entry = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, rt::EntryKind::Head, 14, 15, 16};
  auto e = std::bit_cast<fb::Entry>(entry);
  CHECK((e.first_step() == 1 && e.n_steps() == 2 && e.chunk() == 3 && e.pos_max() == 4));
  CHECK((e.row_max() == 5 && e.vocab() == 6 && e.name() == 7 && e.variant() == 8));
  CHECK((e.first_tensor() == 9 && e.first_state() == 10 && e.n_states() == 11));
  CHECK((e.n_inputs() == 12 && e.n_outputs() == 13 && e.kind() == fb::EntryKind::Head));
  CHECK((e.target_mask() == 14 && e.row_param() == 15));
  rt::Model model = {{{1, 2, 3, 4}}, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  auto l = std::bit_cast<fb::Model>(model);
  CHECK((l.digest().w1() == 2 && l.vocab_size() == 5 && l.context_length() == 6));
  CHECK((l.bos_id() == 7 && l.hidden_size() == 8 && l.layers() == 9 && l.heads() == 10));
  CHECK((l.kv_heads() == 11 && l.head_dim() == 12 && l.name() == 13 && l.architecture() == 14));
  CHECK((l.quantization() == 15 && l.first_eos() == 16 && l.n_eos() == 17));
}

TEST_CASE("operands beyond 4 GiB share what 32 bits do not hold") {
  PlanDescription d;
  constexpr uint64_t giga = uint64_t(1) << 30;
  const Stride layer = {4, 1u << 31};
  rt::Operand near = d.operand(0, 64, 128, LLMC_READ);
  CHECK((near.offset == 64 && near.extent == 128 && near.move == rt::none8 && d.moves.empty()));
  rt::Operand far = d.operand(0, 9 * giga + 64, 128, LLMC_READ);
  CHECK((far.offset == giga + 64 && far.extent == 128 && far.move == 0));
  CHECK((d.moves[0].offset == 8 * giga && d.moves[0].extent == 0));
  CHECK(d.operand(0, 10 * giga, 1, LLMC_READ).move == 0);
  rt::Operand whole = d.operand(0, 0, 200 * giga, LLMC_READ);
  CHECK((whole.extent + d.moves[whole.move].extent == 200 * giga && whole.move == 1));
  rt::Operand moving = d.operand(0, 9 * giga, 1, LLMC_READ, {&layer, 1});
  CHECK((moving.move == 2 && d.moves[2].offset == 8 * giga && d.moves[2].stride[0] == 1u << 31));
}
