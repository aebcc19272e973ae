// What targets have in common whose weights lie row by row: the host's services answer.
#ifndef LLMC_TEST_ROW_TARGET_H
#define LLMC_TEST_ROW_TARGET_H

#include "llmc/target_plugin.h"

namespace llmc::guest {

inline llmc_target rowTarget() {
  llmc_target table = {};
  table.struct_size = sizeof table;
  table.packed_bytes = [](const llmc_target_call *call, const llmc_weight_shape *shape,
                          uint64_t *bytes) {
    return call->host->rows_packed_bytes(call, shape, bytes);
  };
  table.pack = [](const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
                  uint64_t bytes) { return call->host->rows_pack(call, weights, out, bytes); };
  table.packed_rows_bytes = [](const llmc_target_call *call, const llmc_pack_rows *rows,
                               uint64_t *bytes) {
    return call->host->rows_packed_rows_bytes(call, rows, bytes);
  };
  return table;
}

} // namespace llmc::guest

#endif
