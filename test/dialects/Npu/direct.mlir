// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// CHECK: npu.packing = #npu.packing<weights = [{{.*}}bytes = 576, fallback = true>], rows = [{{.*}}, <rows = 4, columns = 16, group = 0, bytes = 0, fallback = true>] refused = [<format = <i8, group = 0, scale = f32>, tokens = 4, n = 16, k = 16, epilogue = silu_mul>]>
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 16, columns = 16, bytes = 1088>, <format = <i4, group = 32, scale = f16>, rows = 8, columns = 64, bytes = 576, fallback = true>], rows = [<rows = 4, columns = 16, group = 0, bytes = 1088>, <rows = 4, columns = 16, group = 0, bytes = 0, fallback = true>] refused = [<format = <i8, group = 0, scale = f32>, tokens = 4, n = 16, k = 16, epilogue = silu_mul>]>, npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 16, record_alignment = 64, chunks = [4], head_rows = 4, direct = true fallback_granule = 4>} {
  // CHECK: direct = true fallback_granule = 4
  npu.program @prefill_4 prefill rows 4 arguments [#npu.argument<kind = position, maximum = 31>, #npu.argument<kind = tokens, maximum = 4>] scratch 0 {
    // CHECK: npu.view "ids" <space = ids, offset = 0> bytes 16
    %ids = npu.view "ids" #npu.place<space = ids, offset = 0> bytes 16
    %table = npu.view "table" #npu.place<space = weights, offset = 0, trip_stride = 4096> bytes 2048
    %cache = npu.view "cache" #npu.place<space = state, offset = 0> bytes 8192
    %hidden = npu.buffer "hidden" bytes 256
    %q = npu.buffer "q" bytes 128
    %codes = npu.buffer "codes" bytes 64
    %packed = npu.buffer "packed" bytes 512
    // CHECK: npu.embed_rows "embedding"
    npu.embed_rows "embedding" %ids, %table, %hidden [#npu.access<element = i32, bytes = 16, token_stride = 4>, #npu.access<element = i8, bytes = 2048>, #npu.access<element = f32, bytes = 256, token_stride = 64>] tokens #npu.extent<4, argument = 1> columns 16 format #lm.format<i8, group = 0, scale = f32>
    // CHECK: npu.pack_rows "pack"
    npu.pack_rows "pack" %codes, %packed [#npu.access<element = i8, bytes = 64, token_stride = 16>, #npu.access<element = u8, bytes = 512>] tokens #npu.extent<4, argument = 1> columns 16 group 0
    // CHECK: npu.attention "attention"
    npu.attention "attention" %q, %cache, %cache, %hidden [#npu.access<element = f16, bytes = 128, token_stride = 32, sub_stride = 16>, #npu.access<element = f16, bytes = 4096, token_stride = 16, sub_stride = 512>, #npu.access<element = f16, bytes = 4096, offset = 4096, token_stride = 16, sub_stride = 512>, #npu.access<element = f32, bytes = 256, token_stride = 64, sub_stride = 32>] tokens #npu.extent<4, argument = 1> heads 2 of 1 dim 8 capacity 32 scale 1.250000e-01 position 0
  }
  // CHECK: npu.kernel @prefill_4.pack of @prefill_4
  npu.kernel @prefill_4.pack of @prefill_4 {
    %rows = npu.view "rows" #npu.place<space = scratch, offset = 0> bytes 64
    %packed = npu.view "packed" #npu.place<space = scratch, offset = 0> bytes 512
    npu.pack_rows "pack" %rows, %packed [#npu.access<element = i8, bytes = 64, token_stride = 16>, #npu.access<element = u8, bytes = 512>] tokens #npu.extent<4, argument = 1> columns 16 group 0
  }
}
