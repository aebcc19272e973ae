// RUN: llmc-opt %s --llmc-page-weights --split-input-file --verify-diagnostics

// expected-error@below {{a weight budget of 300 bytes leaves no room for pages: weights that stay take 64 bytes, gathered rows of the embedding 0}}
module attributes {npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 1, record_alignment = 16, chunks = [4], head_rows = 1, direct = true, weight_budget = 300>} {
  npu.constant @norm at 0 bytes 64 from []
}

// -----

module attributes {npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 1, record_alignment = 16, chunks = [4], head_rows = 1, direct = true, weight_budget = 300>} {
  npu.program @decode decode rows 1 arguments [] scratch 0 {
    %codes = npu.buffer "codes" bytes 128
    %scales = npu.buffer "scales" bytes 16
    %out = npu.buffer "out" bytes 64
    %w = npu.view "w" #npu.place<space = paged, offset = 0> bytes 432
    // expected-error@below {{has rows of 144 bytes, a slot has 64; raise the weight budget by 512 bytes}}
    npu.matmul "linear" linear %codes, %scales, %w, %out [#npu.access<element = i8, bytes = 128>, #npu.access<element = f32, bytes = 4>, #npu.access<element = i8, bytes = 432>, #npu.access<element = f32, bytes = 12>] tokens #npu.extent<1> sub 1 n #npu.extent<3> k #npu.extent<128> format #lm.format<i8, group = 0, scale = f32>
  }
}

// -----

module attributes {npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 1, record_alignment = 16, chunks = [4], head_rows = 1, direct = true, weight_budget = 300>} {
  npu.program @decode decode rows 1 arguments [] scratch 0 {
    %ids = npu.view "ids" #npu.place<space = ids, offset = 0> bytes 4
    %table = npu.view "table" #npu.place<space = paged, offset = 0> bytes 144
    %hidden = npu.buffer "hidden" bytes 64
    // expected-error@below {{has rows of which npu.packing on the module gives no size}}
    npu.embed_rows "embedding" %ids, %table, %hidden [#npu.access<element = i32, bytes = 4, token_stride = 4>, #npu.access<element = i8, bytes = 144>, #npu.access<element = f32, bytes = 64, token_stride = 64>] tokens #npu.extent<1> columns 16 format #lm.format<i8, group = 0, scale = f32>
  }
}

// -----

// Four layers of one row each are four pages; three cannot become four.
module attributes {npu.target = #npu.target<"cpu", sram_bytes = 1048576, alignment = 64, row_granule = 1, record_alignment = 16, chunks = [4], head_rows = 1, direct = true, weight_budget = 300>} {
  // expected-error@below {{has 3 pages of one row in its loop, which must be a multiple of 4; its weights cannot be paged}}
  npu.program @decode decode rows 1 arguments [] scratch 0 {
    %codes = npu.buffer "codes" bytes 16
    %scales = npu.buffer "scales" bytes 16
    %out = npu.buffer "out" bytes 64
    npu.trips 2 {
      %w = npu.view "w" #npu.place<space = paged, offset = 0, trip_stride = 192> bytes 144
      npu.matmul "linear" linear %codes, %scales, %w, %out [#npu.access<element = i8, bytes = 16>, #npu.access<element = f32, bytes = 4>, #npu.access<element = i8, bytes = 144>, #npu.access<element = f32, bytes = 12>] tokens #npu.extent<1> sub 1 n #npu.extent<3> k #npu.extent<16> format #lm.format<i8, group = 0, scale = f32>
    }
  }
}
