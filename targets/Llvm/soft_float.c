/* fp32 for instruction sets that have none, in the two spellings that LLVM calls it by. A blob of
 * such an instruction set holds those functions that its kernels need.
 *
 * Round to nearest even. Subnormals are zeros of their sign, as arguments and as results: no
 * observable depends on them (docs/numerics.md). A NaN comes out as one NaN. */
#include <stdint.h>

#define SIGN 0x80000000u
#define MAGNITUDE 0x7fffffffu
#define INFINITE 0x7f800000u
#define QUIET_NAN 0x7fc00000u
#define LEAST_NORMAL 0x00800000u
#define HIDDEN 0x00800000u

typedef union {
  float value;
  uint32_t bits;
} Word;

static inline uint32_t bitsOf(float value) {
  Word word;
  word.value = value;
  return word.bits;
}

static inline float valueOf(uint32_t bits) {
  Word word;
  word.bits = bits;
  return word.value;
}

/* `mantissa` has its highest bit at 26, three below the last that stays; what was shifted out is
 * or-ed into the lowest. The value is mantissa * 2^(exponent - 127 - 26). */
static inline uint32_t rounded(uint32_t sign, int32_t exponent, uint32_t mantissa) {
  if (exponent <= 0)
    return sign;
  const uint32_t half = mantissa & 7u;
  uint32_t bits = ((uint32_t)(exponent - 1) << 23) + (mantissa >> 3);
  bits += half > 4u || (half == 4u && (bits & 1u));
  return sign | (bits < INFINITE && exponent < 255 ? bits : INFINITE);
}

static inline uint32_t addSpecial(uint32_t a, uint32_t b) {
  const uint32_t x = a & MAGNITUDE, y = b & MAGNITUDE;
  if (x > INFINITE || y > INFINITE || (x == INFINITE && y == INFINITE && a != b))
    return QUIET_NAN;
  return x == INFINITE ? a : b;
}

/* a is no smaller than b in magnitude; both are finite and b is normal. */
static inline uint32_t addOrdered(uint32_t a, uint32_t b) {
  int32_t exponent = (int32_t)(a >> 23 & 255u);
  const uint32_t distance = (uint32_t)exponent - (b >> 23 & 255u);
  uint32_t x = ((a & (HIDDEN - 1)) | HIDDEN) << 3, y = ((b & (HIDDEN - 1)) | HIDDEN) << 3;
  if (distance >= 27)
    y = 1;
  else if (distance != 0)
    y = y >> distance | (y << (32 - distance) != 0);
  if (((a ^ b) & SIGN) == 0) {
    x += y;
    if (x >> 27) {
      x = x >> 1 | (x & 1u);
      ++exponent;
    }
    return rounded(a & SIGN, exponent, x);
  }
  x -= y;
  if (x == 0)
    return 0;
  const int32_t shift = __builtin_clz(x) - 5;
  return rounded(a & SIGN, exponent - shift, x << shift);
}

static uint32_t addBits(uint32_t a, uint32_t b) {
  uint32_t x = a & MAGNITUDE, y = b & MAGNITUDE;
  if (x >= INFINITE || y >= INFINITE)
    return addSpecial(a, b);
  if (y > x) {
    const uint32_t swap = a;
    a = b;
    b = swap;
    y = x;
    x = a & MAGNITUDE;
  }
  if (y >= LEAST_NORMAL)
    return addOrdered(a, b);
  if (x >= LEAST_NORMAL)
    return a;
  return a & b & SIGN;
}

static uint32_t multiplyBits(uint32_t a, uint32_t b) {
  const uint32_t sign = (a ^ b) & SIGN;
  a &= MAGNITUDE;
  b &= MAGNITUDE;
  if (a >= INFINITE || b >= INFINITE) {
    const int isZero = a < LEAST_NORMAL || b < LEAST_NORMAL;
    return a > INFINITE || b > INFINITE || isZero ? QUIET_NAN : sign | INFINITE;
  }
  if (a < LEAST_NORMAL || b < LEAST_NORMAL)
    return sign;
  int32_t exponent = (int32_t)(a >> 23) + (int32_t)(b >> 23) - 127;
  const uint64_t product =
      (uint64_t)((a & (HIDDEN - 1)) | HIDDEN) * (((b & (HIDDEN - 1)) | HIDDEN) << 3);
  /* 2^49 ... 2^51: the highest bit goes to 26. */
  uint32_t high = (uint32_t)(product >> 23);
  uint32_t rest = (uint32_t)product & 0x007fffffu;
  if (high >> 27) {
    rest |= high & 1u;
    high >>= 1;
    ++exponent;
  }
  return rounded(sign, exponent, high | (rest != 0));
}

static uint32_t fromUnsigned(uint32_t sign, uint32_t value) {
  if (value == 0)
    return 0;
  const int32_t shift = __builtin_clz(value) - 5;
  const int32_t exponent = 127 + 26 - shift;
  if (shift >= 0)
    return rounded(sign, exponent, value << shift);
  const uint32_t lost = value << (32 + shift);
  return rounded(sign, exponent, value >> -shift | (lost != 0));
}

/* A subnormal compares as the zero it stands for. An ordered number as a signed integer. */
static int32_t order(uint32_t bits) {
  const uint32_t magnitude = bits & MAGNITUDE;
  if (magnitude < LEAST_NORMAL)
    return 0;
  return bits & SIGN ? -(int32_t)magnitude : (int32_t)magnitude;
}

static int isUnordered(float x, float y) {
  return (bitsOf(x) & MAGNITUDE) > INFINITE || (bitsOf(y) & MAGNITUDE) > INFINITE;
}

/* -1, 0, 1, or `unordered`. */
static int32_t compare(float x, float y, int32_t unordered) {
  if (isUnordered(x, y))
    return unordered;
  const int32_t a = order(bitsOf(x)), b = order(bitsOf(y));
  return (a > b) - (a < b);
}

#define ADD(NAME)                                                                                  \
  float NAME(float x, float y) { return valueOf(addBits(bitsOf(x), bitsOf(y))); }
#define SUBTRACT(NAME)                                                                             \
  float NAME(float x, float y) { return valueOf(addBits(bitsOf(x), bitsOf(y) ^ SIGN)); }
#define MULTIPLY(NAME)                                                                             \
  float NAME(float x, float y) { return valueOf(multiplyBits(bitsOf(x), bitsOf(y))); }
#define FROM_INT(NAME)                                                                             \
  float NAME(int32_t x) {                                                                          \
    return valueOf(fromUnsigned(x < 0 ? SIGN : 0, x < 0 ? 0u - (uint32_t)x : (uint32_t)x));        \
  }
#define FROM_UNSIGNED(NAME)                                                                        \
  float NAME(uint32_t x) { return valueOf(fromUnsigned(0, x)); }
/* GCC's: the sign of x - y, and of the wrong sign where there is none. */
#define SIGN_OF(NAME, UNORDERED)                                                                   \
  int NAME(float x, float y) { return compare(x, y, UNORDERED); }
/* The Arm ABI's: whether the relation holds. */
#define HOLDS(NAME, RELATION, UNORDERED)                                                           \
  int NAME(float x, float y) { return compare(x, y, UNORDERED) RELATION; }

ADD(__addsf3)
SUBTRACT(__subsf3)
MULTIPLY(__mulsf3)
FROM_INT(__floatsisf)
FROM_UNSIGNED(__floatunsisf)
SIGN_OF(__eqsf2, 1)
SIGN_OF(__nesf2, 1)
SIGN_OF(__ltsf2, 1)
SIGN_OF(__lesf2, 1)
SIGN_OF(__gesf2, -1)
SIGN_OF(__gtsf2, -1)
int __unordsf2(float x, float y) { return isUnordered(x, y); }

ADD(__aeabi_fadd)
SUBTRACT(__aeabi_fsub)
MULTIPLY(__aeabi_fmul)
FROM_INT(__aeabi_i2f)
FROM_UNSIGNED(__aeabi_ui2f)
HOLDS(__aeabi_fcmpeq, == 0, 1)
HOLDS(__aeabi_fcmplt, < 0, 1)
HOLDS(__aeabi_fcmple, <= 0, 1)
HOLDS(__aeabi_fcmpge, >= 0, -1)
HOLDS(__aeabi_fcmpgt, > 0, -1)
int __aeabi_fcmpun(float x, float y) { return isUnordered(x, y); }
