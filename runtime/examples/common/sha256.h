// SHA-256 in software, for llmc_platform.sha256. A chip that has an engine for it takes that.
#ifndef LLMC_EXAMPLES_SHA256_H
#define LLMC_EXAMPLES_SHA256_H

#include <stddef.h>
#include <stdint.h>

class Sha256 {
public:
  static void digest(const uint8_t *data, size_t size, uint8_t out[32]) {
    Sha256 sha;
    size_t left = size;
    for (; left >= 64; left -= 64, data += 64)
      sha.block(data);
    uint8_t last[128] = {};
    for (size_t i = 0; i < left; ++i)
      last[i] = data[i];
    last[left] = 0x80;
    const size_t end = left < 56 ? 64 : 128;
    for (unsigned i = 0; i < 8; ++i)
      last[end - 1 - i] = uint8_t((uint64_t(size) * 8) >> (8 * i));
    for (size_t at = 0; at < end; at += 64)
      sha.block(last + at);
    for (unsigned i = 0; i < 32; ++i)
      out[i] = uint8_t(sha.state[i / 4] >> (24 - i % 4 * 8));
  }

private:
  static uint32_t turned(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

  void block(const uint8_t *bytes) {
    static constexpr uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    };
    uint32_t w[64];
    for (unsigned i = 0; i < 16; ++i, bytes += 4)
      w[i] =
          uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | bytes[3];
    for (unsigned i = 16; i < 64; ++i)
      w[i] = w[i - 16] + w[i - 7] +
             (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
             (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5],
             g = state[6], h = state[7];
    for (unsigned i = 0; i < 64; ++i) {
      const uint32_t one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                           ((e & f) ^ (~e & g)) + constants[i] + w[i];
      const uint32_t two =
          (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    const uint32_t sum[8] = {a, b, c, d, e, f, g, h};
    for (unsigned i = 0; i < 8; ++i)
      state[i] += sum[i];
  }

  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

#endif
