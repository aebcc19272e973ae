#include "compiler/Emit/Sha256.h"

#include <new>
#include <openssl/evp.h>

namespace llmc {

struct Sha256Stream::Context {
  EVP_MD_CTX *md = EVP_MD_CTX_new();
  Context() {
    // libcrypto's digest contexts fail only where memory does.
    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), nullptr))
      throw std::bad_alloc();
  }
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256Stream::Sha256Stream() : context(std::make_unique<Context>()) {}
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::update(std::span<const uint8_t> bytes) {
  EVP_DigestUpdate(context->md, bytes.data(), bytes.size());
}

std::array<uint8_t, 32> Sha256Stream::finish() {
  std::array<uint8_t, 32> digest = {};
  EVP_DigestFinal_ex(context->md, digest.data(), nullptr);
  EVP_DigestInit_ex(context->md, EVP_sha256(), nullptr);
  return digest;
}

std::array<uint8_t, 32> sha256(std::span<const uint8_t> bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

} // namespace llmc
