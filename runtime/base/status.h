/* The result of every runtime call: four bytes, no strings, no heap.
 *
 * `code` says what kind of thing happened, `where` names the plan vector or runtime part it
 * happened in, and `detail` is the index inside that vector (saturated at 65535). The sentences
 * live in a host-side file (runtime/schema/explain.h), so that firmware carries none of them. The
 * numeric values are part of the ABI: append, never renumber. */
#ifndef LLMC_RUNTIME_BASE_STATUS_H
#define LLMC_RUNTIME_BASE_STATUS_H

#include <stddef.h>
#include <stdint.h>

enum llmc_code {
  LLMC_OK = 0,
  LLMC_PENDING = 1,         /* not finished; poll again */
  LLMC_BAD_MAGIC = 2,       /* these bytes are not a plan */
  LLMC_BAD_VERSION = 3,     /* another major format version */
  LLMC_UNKNOWN_FEATURE = 4, /* a required feature this runtime does not have */
  LLMC_TRUNCATED = 5,       /* the bytes end before what they promise */
  LLMC_BAD_STRUCTURE = 6,   /* offset, vtable or vector of the FlatBuffer is malformed */
  LLMC_MISSING = 7,         /* a required field or vector is absent or empty */
  LLMC_BAD_INDEX = 8,       /* an index points past the vector it names */
  LLMC_BAD_RANGE = 9,       /* an offset, size or address leaves what contains it */
  LLMC_BAD_ALIGNMENT = 10,  /* an offset or address is not aligned as stated */
  LLMC_BAD_VALUE = 11,      /* a field holds a value that its kind does not allow */
  LLMC_BAD_NESTING = 12,    /* loops cross, do not end, or nest too deep */
  LLMC_OVERLAP = 13,        /* two things share bytes that must not */
  LLMC_TOO_SMALL = 14,      /* memory given is smaller than the plan states */
  LLMC_OUT_OF_RANGE = 15,   /* an argument exceeds its stated maximum */
  LLMC_INVALID_ARGUMENT = 16,
  LLMC_WRONG_STATE = 17, /* the call is not allowed now: unbound, busy, nothing begun */
  LLMC_POISONED = 18,    /* an earlier error; reset first */
  LLMC_CANCELLED = 19,
  LLMC_NOT_FOUND = 20,       /* no such entry, device, or segment */
  LLMC_DEVICE_MISMATCH = 21, /* the device is not the one the plan was made for */
  LLMC_DEVICE_FAULT = 22,
  LLMC_SOURCE_ERROR = 23, /* the flash source could not deliver */
  LLMC_BAD_DIGEST = 24,   /* bytes do not match their digest or signature */
  LLMC_NOT_FINITE = 25,   /* NaN or infinity among the results */
  LLMC_CONTEXT_FULL = 26,
  LLMC_UNSUPPORTED = 27, /* a hook or table does not offer this */
  LLMC_IO_ERROR = 28     /* a caller's read or write function failed */
};

enum llmc_where {
  LLMC_AT_NOWHERE = 0,
  LLMC_AT_HEADER = 1, /* detail: byte offset of the header field */
  LLMC_AT_PLAN = 2,   /* detail: field number in the root table */
  LLMC_AT_TARGET = 3, /* from here to ROWS, detail: index in that vector */
  LLMC_AT_REGION = 4,
  LLMC_AT_SEGMENT = 5,
  LLMC_AT_DIGEST = 6,
  LLMC_AT_MOVE = 7,
  LLMC_AT_OPERAND = 8,
  LLMC_AT_KERNEL = 9,
  LLMC_AT_PARAM = 10,
  LLMC_AT_STEP = 11,
  LLMC_AT_STATE = 12,
  LLMC_AT_ENTRY = 13,
  LLMC_AT_TENSOR = 14,
  LLMC_AT_MODEL = 15,
  LLMC_AT_TOKENIZER = 16,
  LLMC_AT_BLOB = 17,
  LLMC_AT_ROWS = 18,
  LLMC_AT_MEMORY = 32, /* detail: region */
  LLMC_AT_DEVICE = 33, /* detail: target */
  LLMC_AT_SOURCE = 34, /* detail: segment */
  LLMC_AT_PLATFORM = 35,
  LLMC_AT_SESSION = 36,
  LLMC_AT_TOKEN = 37,  /* detail: position among the ids given */
  LLMC_AT_LOGITS = 38, /* detail: row */
  LLMC_AT_SAMPLER = 39,
  LLMC_AT_SNAPSHOT = 40
};

typedef struct llmc_status {
  uint8_t code;
  uint8_t where;
  uint16_t detail;
} llmc_status;

#ifdef __cplusplus
namespace llmc::rt {

using Code = ::llmc_code;
using Where = ::llmc_where;

constexpr uint32_t packStatus(Code code, Where where, size_t detail) {
  return uint32_t(code) | uint32_t(where) << 8 | uint32_t(detail > 0xFFFF ? 0xFFFF : detail) << 16;
}
/// The same out of line, for a detail that is not known beforehand.
[[gnu::noinline]] inline uint32_t packStatusLate(Code code, Where where, size_t detail) {
  return packStatus(code, where, detail);
}

/// llmc_status with accessors; converts both ways at no cost. It is built and copied as one word,
/// which halves the code around every call.
struct [[nodiscard]] Status {
  union {
    uint32_t word;
    struct {
      uint8_t code;
      uint8_t where;
      uint16_t detail;
    };
  };

  constexpr Status() : word(0) {}
  constexpr Status(Code code, Where where = LLMC_AT_NOWHERE, size_t detail = 0)
      : word(__builtin_constant_p(detail) ? packStatus(code, where, detail)
                                          : packStatusLate(code, where, detail)) {}
  Status(llmc_status raw) { __builtin_memcpy(&word, &raw, sizeof(word)); }
  operator llmc_status() const {
    llmc_status raw;
    __builtin_memcpy(&raw, &word, sizeof(raw));
    return raw;
  }

  constexpr bool ok() const { return uint8_t(word) == LLMC_OK; }
  constexpr bool pending() const { return uint8_t(word) == LLMC_PENDING; }
  /// Neither finished well nor still running.
  constexpr bool failed() const { return uint8_t(word) > LLMC_PENDING; }
  constexpr bool operator==(const Status &other) const { return word == other.word; }
};
static_assert(sizeof(Status) == 4 && sizeof(llmc_status) == 4, "a status is four bytes");

} // namespace llmc::rt
#endif

#endif
