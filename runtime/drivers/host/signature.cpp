#include "runtime/drivers/host/signature.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "runtime/drivers/host/plan_file.h"

namespace llmc::rt::host {
namespace {

using Reader = EVP_PKEY *(*)(FILE *, EVP_PKEY **, pem_password_cb *, void *);

/// A key behind a password is refused: nobody is there to be asked.
int noPassword(char *, int, int, void *) { return -1; }

/// The key in the file at `path`; null with a sentence that ends in how to make one.
std::shared_ptr<void> load(const std::string &path, const char *what, const char *command,
                           Reader read, std::string &error) {
  FILE *file = std::fopen(path.c_str(), "rb");
  if (!file) {
    error = "cannot read '" + path + "': " + std::strerror(errno);
    return nullptr;
  }
  EVP_PKEY *key = read(file, nullptr, noPassword, nullptr);
  std::fclose(file);
  std::shared_ptr<void> owner(key, [](void *k) { EVP_PKEY_free(static_cast<EVP_PKEY *>(k)); });
  if (key && EVP_PKEY_base_id(key) == EVP_PKEY_ED25519)
    return owner;
  error = "'" + path + "' holds no " + what + " of Ed25519 without a password, in PEM; '" +
          command + "' makes one";
  return nullptr;
}

EVP_PKEY *keyOf(const std::shared_ptr<void> &key) { return static_cast<EVP_PKEY *>(key.get()); }

struct DigestContext {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  ~DigestContext() { EVP_MD_CTX_free(context); }
};

} // namespace

std::unique_ptr<const SigningKey> SigningKey::load(const std::string &path, std::string &error) {
  std::unique_ptr<SigningKey> result(new SigningKey);
  result->key = host::load(path, "private key", "openssl genpkey -algorithm ed25519 -out key.pem",
                           PEM_read_PrivateKey, error);
  return result->key ? std::move(result) : nullptr;
}

bool SigningKey::sign(const uint8_t root[32], Signature &signature) const {
  DigestContext digest;
  size_t size = signature.size();
  return digest.context &&
         EVP_DigestSignInit(digest.context, nullptr, nullptr, nullptr, keyOf(key)) == 1 &&
         EVP_DigestSign(digest.context, signature.data(), &size, root, 32) == 1 &&
         size == signature.size();
}

std::unique_ptr<const PublicKey> PublicKey::load(const std::string &path, std::string &error) {
  std::unique_ptr<PublicKey> result(new PublicKey);
  result->key = host::load(path, "public key", "openssl pkey -in key.pem -pubout -out public.pem",
                           PEM_read_PUBKEY, error);
  return result->key ? std::move(result) : nullptr;
}

llmc_status PublicKey::verify(void *ctx, const uint8_t root[32], const uint8_t *signature,
                              size_t size) {
  DigestContext digest;
  bool good = digest.context && size == Signature().size() &&
              EVP_DigestVerifyInit(digest.context, nullptr, nullptr, nullptr,
                                   keyOf(static_cast<const PublicKey *>(ctx)->key)) == 1 &&
              EVP_DigestVerify(digest.context, signature, size, root, 32) == 1;
  return good ? Status() : Status(LLMC_BAD_DIGEST, LLMC_AT_PLATFORM);
}

llmc_platform PublicKey::platform() const {
  llmc_platform table = host::platform();
  table.ctx = const_cast<PublicKey *>(this); // the digest's hook has no use for it
  table.verify_signature = verify;
  return table;
}

} // namespace llmc::rt::host
