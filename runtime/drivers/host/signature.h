// Ed25519 signatures of plans, by libcrypto.
#ifndef LLMC_RUNTIME_DRIVERS_HOST_SIGNATURE_H
#define LLMC_RUNTIME_DRIVERS_HOST_SIGNATURE_H

#include <array>
#include <memory>
#include <string>

#include "runtime/base/device.h"

namespace llmc::rt::host {

using Signature = std::array<uint8_t, 64>;

/// An Ed25519 key from a PEM file, as `openssl genpkey -algorithm ed25519` writes it.
class SigningKey {
public:
  /// Null with one sentence in `error` where the file has no such key.
  static std::unique_ptr<const SigningKey> load(const std::string &path, std::string &error);
  /// The signature of a root digest. False where libcrypto fails.
  bool sign(const uint8_t root[32], Signature &signature) const;

private:
  std::shared_ptr<void> key;
};

class PublicKey {
public:
  static std::unique_ptr<const PublicKey> load(const std::string &path, std::string &error);
  /// The host's platform table with a hook that verifies signatures by this key. The key outlives
  /// the table's use.
  llmc_platform platform() const;

private:
  static llmc_status verify(void *ctx, const uint8_t root[32], const uint8_t *signature,
                            size_t size);
  std::shared_ptr<void> key;
};

} // namespace llmc::rt::host

#endif
