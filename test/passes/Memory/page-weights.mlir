// RUN: llmc-opt %s --llmc-page-weights | FileCheck %s

// 768 bytes for weights: 64 that stay, four rows of the embedding of 48 bytes, four slots of 128, which hold two rows each. Layers are cut into
// slices of their outputs, pages take turns in the slots, and the loop begins with slot 0 and has a multiple of four. A gate goes with its up.
// Rows of the table are gathered, and the kernel reads those.

// CHECK: npu.embed_rows "embedding" %{{.*}} [{{.*}}, #npu.access<element = i8, bytes = 192>, {{.*}}] tokens <4> columns 16 {{.*}} gathered 48
// CHECK: npu.view "table" <space = paged, offset = 0> bytes 96 slot 2
// CHECK-NEXT: npu.matmul "first" {{.*}}#npu.access<element = i8, bytes = 96>, #npu.access<element = f32, bytes = 200, token_stride = 64>] tokens <4> sub 1 n <2> k <16>
// CHECK-NEXT: npu.view "table" <space = paged, offset = 96> bytes 48 slot 3
// CHECK-NEXT: npu.matmul "first" {{.*}}bytes = 48>, #npu.access<element = f32, bytes = 196, offset = 8, token_stride = 64>] tokens <4> sub 1 n <1> k <16>
// CHECK: npu.trips 2 {
// CHECK-NEXT: npu.view "w" <space = paged, offset = 512, trip_stride = 1024> bytes 96 slot 0
// CHECK-NEXT: npu.matmul "linear" {{.*}} n <2> k <16>
// CHECK-NEXT: npu.view "w" <space = paged, offset = 608, trip_stride = 1024> bytes 48 slot 1
// CHECK-NEXT: npu.matmul "linear" {{.*}}offset = 8{{.*}} n <1> k <16>
// CHECK-NEXT: npu.view "gu" <space = paged, offset = 768, trip_stride = 1024> bytes 96 slot 2 second 864
// CHECK-NEXT: npu.matmul "gated" {{.*}} n <2> k <16> {{.*}} epilogue silu_mul
// CHECK-NEXT: npu.view "gu" <space = paged, offset = 816, trip_stride = 1024> bytes 96 slot 3 second 912
// CHECK-NEXT: npu.matmul "gated" {{.*}}offset = 4{{.*}} n <2> k <16> {{.*}} epilogue silu_mul
// CHECK-NEXT: }
module attributes {npu.packing = #npu.packing<weights = [<format = <i8, group = 0, scale = f32>, rows = 3, columns = 16, bytes = 144>]>, npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 1, record_alignment = 16, chunks = [4], head_rows = 1, direct = true, weight_budget = 768>} {
  npu.constant @norm at 0 bytes 64 from []
  npu.program @prefill_4 prefill rows 4 arguments [] scratch 0 {
    %ids = npu.view "ids" #npu.place<space = ids, offset = 0> bytes 16
    %table = npu.view "table" #npu.place<space = paged, offset = 0> bytes 144
    %hidden = npu.buffer "hidden" bytes 256
    %codes = npu.buffer "codes" bytes 64
    %scales = npu.buffer "scales" bytes 16
    npu.embed_rows "embedding" %ids, %table, %hidden [#npu.access<element = i32, bytes = 16, token_stride = 4>, #npu.access<element = i8, bytes = 144>, #npu.access<element = f32, bytes = 256, token_stride = 64>] tokens #npu.extent<4> columns 16 format #lm.format<i8, group = 0, scale = f32>
    npu.matmul "first" linear %codes, %scales, %table, %hidden [#npu.access<element = i8, bytes = 64, token_stride = 16>, #npu.access<element = f32, bytes = 16, token_stride = 4>, #npu.access<element = i8, bytes = 144>, #npu.access<element = f32, bytes = 204, token_stride = 64>] tokens #npu.extent<4> sub 1 n #npu.extent<3> k #npu.extent<16> format #lm.format<i8, group = 0, scale = f32>
    npu.trips 2 {
      %w = npu.view "w" #npu.place<space = paged, offset = 512, trip_stride = 1024> bytes 144
      npu.matmul "linear" linear %codes, %scales, %w, %hidden [#npu.access<element = i8, bytes = 64, token_stride = 16>, #npu.access<element = f32, bytes = 16, token_stride = 4>, #npu.access<element = i8, bytes = 144>, #npu.access<element = f32, bytes = 204, token_stride = 64>] tokens #npu.extent<4> sub 1 n #npu.extent<3> k #npu.extent<16> format #lm.format<i8, group = 0, scale = f32>
      %gu = npu.view "gu" #npu.place<space = paged, offset = 768, trip_stride = 1024> bytes 192
      npu.matmul "gated" linear %codes, %scales, %gu, %hidden [#npu.access<element = i8, bytes = 64, token_stride = 16>, #npu.access<element = f32, bytes = 16, token_stride = 4>, #npu.access<element = i8, bytes = 192>, #npu.access<element = f32, bytes = 200, token_stride = 64>] tokens #npu.extent<4> sub 1 n #npu.extent<4> k #npu.extent<16> format #lm.format<i8, group = 0, scale = f32> epilogue silu_mul
    }
  }
}
