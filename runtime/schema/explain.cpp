#include "runtime/schema/explain.h"

namespace llmc::rt {
namespace {

const char *sentence(uint8_t code) {
  switch (code) {
  case LLMC_OK:
    return "no error";
  case LLMC_PENDING:
    return "still running";
  case LLMC_BAD_MAGIC:
    return "this is not a plan file";
  case LLMC_BAD_VERSION:
    return "the plan has another format version than this runtime; compile the model again with "
           "the llmc of this runtime";
  case LLMC_UNKNOWN_FEATURE:
    return "needs a feature that this runtime does not have, or does not declare one that it uses";
  case LLMC_TRUNCATED:
    return "the bytes end early; the file is incomplete";
  case LLMC_BAD_STRUCTURE:
    return "an offset or a size inside the FlatBuffer is malformed; the file is corrupt";
  case LLMC_MISSING:
    return "a required part is missing";
  case LLMC_BAD_INDEX:
    return "an index points past what it names";
  case LLMC_BAD_RANGE:
    return "an offset, size or address leaves what must contain it";
  case LLMC_BAD_ALIGNMENT:
    return "an offset or address is not aligned as stated";
  case LLMC_BAD_VALUE:
    return "a field holds a value that is not allowed here";
  case LLMC_BAD_NESTING:
    return "loops cross, nest too deep or do not end, or End is misplaced";
  case LLMC_OVERLAP:
    return "shares bytes with another that it must not share";
  case LLMC_TOO_SMALL:
    return "the memory given is smaller than the plan states";
  case LLMC_OUT_OF_RANGE:
    return "the value exceeds its stated maximum";
  case LLMC_INVALID_ARGUMENT:
    return "an argument of the call is not valid";
  case LLMC_WRONG_STATE:
    return "the call is not allowed now: nothing is bound, nothing was begun, or something still "
           "runs";
  case LLMC_POISONED:
    return "an earlier call failed; reset first";
  case LLMC_CANCELLED:
    return "cancelled";
  case LLMC_NOT_FOUND:
    return "not found, or not usable with the devices bound";
  case LLMC_DEVICE_MISMATCH:
    return "the device is not the one the plan was compiled for";
  case LLMC_DEVICE_FAULT:
    return "the device reported a fault";
  case LLMC_SOURCE_ERROR:
    return "the source of the plan's bytes reported an error";
  case LLMC_BAD_DIGEST:
    return "the bytes do not match their digest; the file was changed or damaged";
  case LLMC_NOT_FINITE:
    return "the results hold a NaN or an infinity";
  case LLMC_CONTEXT_FULL:
    return "the context is full";
  case LLMC_UNSUPPORTED:
    return "not offered by the table or hook given, or not possible for this memory";
  case LLMC_IO_ERROR:
    return "the caller's read or write function failed";
  default:
    return "unknown code";
  }
}

const char *place(uint8_t where) {
  switch (where) {
  case LLMC_AT_HEADER:
    return "header, byte";
  case LLMC_AT_PLAN:
    return "plan, field";
  case LLMC_AT_TARGET:
    return "target";
  case LLMC_AT_REGION:
    return "region";
  case LLMC_AT_SEGMENT:
    return "segment";
  case LLMC_AT_DIGEST:
    return "digest";
  case LLMC_AT_MOVE:
    return "move";
  case LLMC_AT_OPERAND:
    return "operand";
  case LLMC_AT_KERNEL:
    return "kernel";
  case LLMC_AT_PARAM:
    return "parameter";
  case LLMC_AT_STEP:
    return "step";
  case LLMC_AT_STATE:
    return "state";
  case LLMC_AT_ENTRY:
    return "entry";
  case LLMC_AT_MODEL:
    return "model description";
  case LLMC_AT_TOKENIZER:
    return "tokenizer description";
  case LLMC_AT_TENSOR:
    return "tensor";
  case LLMC_AT_BLOB:
    return "blob";
  case LLMC_AT_ROWS:
    return "rows";
  case LLMC_AT_MEMORY:
    return "memory for region";
  case LLMC_AT_DEVICE:
    return "device for target";
  case LLMC_AT_SOURCE:
    return "source, segment";
  case LLMC_AT_PLATFORM:
    return "platform";
  case LLMC_AT_SESSION:
    return "session";
  case LLMC_AT_TOKEN:
    return "token";
  case LLMC_AT_LOGITS:
    return "logits, row";
  case LLMC_AT_SAMPLER:
    return "sampler";
  case LLMC_AT_SNAPSHOT:
    return "saved state";
  default:
    return nullptr;
  }
}

/// In the order of the schema.
constexpr const char *planFields[] = {"required_features",
                                      "producer",
                                      "digest_root",
                                      "targets",
                                      "regions",
                                      "segments",
                                      "params",
                                      "moves",
                                      "operands",
                                      "args",
                                      "blobs",
                                      "kernels",
                                      "queues",
                                      "rows",
                                      "steps",
                                      "states",
                                      "numbers",
                                      "tensors",
                                      "entries",
                                      "text",
                                      "model"};

} // namespace

std::string explain(Status status) {
  std::string text;
  std::string detail = std::to_string(status.detail) + (status.detail == 0xFFFF ? " or later" : "");
  if (status.where == LLMC_AT_PLAN && status.detail < sizeof(planFields) / sizeof(planFields[0]))
    text = std::string("plan, field ") + planFields[status.detail] + ": ";
  else if (const char *noun = place(status.where))
    text = std::string(noun) + " " + detail + ": ";
  return text + sentence(status.code);
}

} // namespace llmc::rt
