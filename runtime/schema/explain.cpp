#include "runtime/schema/explain.h"

#include <cstddef>
#include <cstdint>

namespace llmc::rt {
namespace {

struct Words {
  uint8_t value;
  const char *text;
};

constexpr Words sentences[] = {
    {LLMC_OK, "no error"},
    {LLMC_PENDING, "still running"},
    {LLMC_BAD_MAGIC, "this is not a plan file; 'llmc compile' makes one from a model"},
    {LLMC_BAD_VERSION,
     "the plan has another format version than this runtime; compile the model again with "
     "the llmc of this runtime"},
    {LLMC_UNKNOWN_FEATURE,
     "needs a feature that this runtime does not have, or does not declare one that it uses"},
    {LLMC_TRUNCATED, "the bytes end early; the file is incomplete"},
    {LLMC_BAD_STRUCTURE,
     "an offset or a size inside the FlatBuffer is malformed; the file is corrupt"},
    {LLMC_MISSING, "a required part is missing"},
    {LLMC_BAD_INDEX, "an index points past what it names"},
    {LLMC_BAD_RANGE, "an offset, size or address leaves what must contain it"},
    {LLMC_BAD_ALIGNMENT, "an offset or address is not aligned as stated"},
    {LLMC_BAD_VALUE, "a field holds a value that is not allowed here"},
    {LLMC_BAD_NESTING, "loops cross, nest too deep or do not end, or End is misplaced"},
    {LLMC_OVERLAP, "shares bytes with another that it must not share"},
    {LLMC_TOO_SMALL, "the memory given is smaller than the plan states"},
    {LLMC_OUT_OF_RANGE, "the value exceeds its stated maximum"},
    {LLMC_INVALID_ARGUMENT, "an argument of the call is not valid"},
    {LLMC_WRONG_STATE,
     "the call is not allowed now: nothing is bound, nothing was begun, or something still "
     "runs"},
    {LLMC_POISONED, "an earlier call failed; reset first"},
    {LLMC_CANCELLED, "cancelled"},
    {LLMC_NOT_FOUND, "not found, or not usable with the devices bound"},
    {LLMC_DEVICE_MISMATCH, "the device is not the one the plan was compiled for"},
    {LLMC_DEVICE_FAULT, "the device reported a fault"},
    {LLMC_SOURCE_ERROR, "the source of the plan's bytes reported an error"},
    {LLMC_BAD_DIGEST, "the bytes do not match their digest; the file was changed or damaged"},
    {LLMC_NOT_FINITE, "the results hold a NaN or an infinity"},
    {LLMC_CONTEXT_FULL, "the context is full"},
    {LLMC_UNSUPPORTED, "not offered by the table or hook given, or not possible for this memory"},
    {LLMC_IO_ERROR, "the caller's read or write function failed"},
};

constexpr Words places[] = {
    {LLMC_AT_HEADER, "header, byte"},
    {LLMC_AT_PLAN, "plan, field"},
    {LLMC_AT_TARGET, "target"},
    {LLMC_AT_REGION, "region"},
    {LLMC_AT_SEGMENT, "segment"},
    {LLMC_AT_DIGEST, "digest"},
    {LLMC_AT_MOVE, "move"},
    {LLMC_AT_OPERAND, "operand"},
    {LLMC_AT_KERNEL, "kernel"},
    {LLMC_AT_PARAM, "parameter"},
    {LLMC_AT_STEP, "step"},
    {LLMC_AT_STATE, "state"},
    {LLMC_AT_ENTRY, "entry"},
    {LLMC_AT_MODEL, "model description"},
    {LLMC_AT_TOKENIZER, "tokenizer description"},
    {LLMC_AT_TENSOR, "tensor"},
    {LLMC_AT_BLOB, "blob"},
    {LLMC_AT_ROWS, "rows"},
    {LLMC_AT_MEMORY, "memory for region"},
    {LLMC_AT_DEVICE, "device for target"},
    {LLMC_AT_SOURCE, "source, segment"},
    {LLMC_AT_PLATFORM, "platform"},
    {LLMC_AT_SESSION, "session"},
    {LLMC_AT_TOKEN, "token"},
    {LLMC_AT_LOGITS, "logits, row"},
    {LLMC_AT_SAMPLER, "sampler"},
    {LLMC_AT_SNAPSHOT, "saved state"},
};

template <size_t N> const char *find(const Words (&words)[N], uint8_t value) {
  for (const Words &entry : words)
    if (entry.value == value)
      return entry.text;
  return nullptr;
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
  else if (const char *noun = find(places, status.where))
    text = std::string(noun) + " " + detail + ": ";
  const char *sentence = find(sentences, status.code);
  return text + (sentence ? sentence : "unknown code");
}

} // namespace llmc::rt
