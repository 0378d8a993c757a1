#include "compiler/tls/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>

#include "compiler/core/host_name.hpp"

namespace aegir::tls {
namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Cert = std::unique_ptr<X509, Freeing<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>>;
using AltNames = std::unique_ptr<GENERAL_NAMES, Freeing<GENERAL_NAMES_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<X509_EXTENSION_free>>;

Bio bio_of(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

/// What OpenSSL has to say of its last failure.
std::string reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text == nullptr ? "unknown" : text;
}

std::unexpected<Error> wrong(const Text& text, std::string message, std::string hint) {
  return fail_at(text.path, Code::kInvalid, std::move(message), std::move(hint));
}

/// All certificates of a text, in their order.
Result<std::vector<Cert>> certificates_in(const Text& text) {
  std::vector<Cert> found;
  const Bio bio = bio_of(text.content);
  ERR_clear_error();
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) found.emplace_back(one);
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string why = reason();
  if (at_end && !found.empty()) return found;
  return wrong(text, at_end ? "holds no certificate (PEM)" : "holds a certificate that is broken: " + why,
               "put the certificate there as its authority has sent it: -----BEGIN CERTIFICATE-----");
}

/// Asked for a passphrase: there is nobody to type one when a server starts.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<Key> key_in(const Text& text) {
  const Bio bio = bio_of(text.content);
  bool asked = false;
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  if (key) return key;
  if (asked) {
    return wrong(text, "the key has a passphrase, which nobody types when a server starts",
                 "take it away: openssl pkey -in " + text.path + " -out new.key");
  }
  return wrong(text, "holds no private key (PEM): " + reason(),
               "put the key there that the certificate was asked for with: -----BEGIN PRIVATE KEY-----");
}

std::string day_of(std::int64_t time) {
  const std::time_t seconds = time;
  std::tm utc{};
  char text[sizeof "2026-01-02 03:04 UTC"];
  (void)gmtime_r(&seconds, &utc);
  (void)std::strftime(text, sizeof text, "%F %R UTC", &utc);
  return text;
}

std::int64_t time_of(const ASN1_TIME* time) {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? timegm(&utc) : 0;
}

Result<void> check_times(const Text& text, const X509& leaf, std::int64_t now) {
  const std::int64_t since = time_of(X509_get0_notBefore(&leaf));
  const std::int64_t until = time_of(X509_get0_notAfter(&leaf));
  if (until < now) {
    return wrong(text, "the certificate has expired on " + day_of(until), "renew it, and put the new one there");
  }
  if (since > now) {
    return wrong(text, "the certificate holds from " + day_of(since) + " on", "is the clock of this machine right?");
  }
  return {};
}

/// A name of a certificate as a host name of ours; empty for what is none.
std::string host_of(const ASN1_STRING& name) {
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(&name)),
                   static_cast<std::size_t>(ASN1_STRING_length(&name)));
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  const bool wildcard = text.starts_with("*.");
  return is_canonical_host(std::string_view(text).substr(wildcard ? 2 : 0)) ? text : std::string();
}

std::vector<std::string> hosts_of(const X509& leaf) {
  std::vector<std::string> hosts;
  const auto add = [&](const ASN1_STRING* name) {
    if (std::string host = host_of(*name); !host.empty()) hosts.push_back(std::move(host));
  };
  const AltNames names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) add(name->d.dNSName);
  }
  // RFC 6125 §6.4.4: the common name counts only where there are no others.
  if (!names) {
    X509_NAME* const subject = X509_get_subject_name(&leaf);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  }
  std::ranges::sort(hosts);
  const auto twice = std::ranges::unique(hosts);
  hosts.erase(twice.begin(), twice.end());
  return hosts;
}

std::string pem_of(const std::vector<Cert>& certificates, EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  for (const Cert& one : certificates) PEM_write_bio_X509(bio.get(), one.get());
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// What a server does with them when it starts.
Result<void> try_out(const Source& source, const std::vector<Cert>& certificates, EVP_PKEY* key) {
  const Context context(SSL_CTX_new(TLS_server_method()));
  ERR_clear_error();
  if (!context || SSL_CTX_use_certificate(context.get(), certificates.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key) != 1) {
    return wrong(source.certificate, "OpenSSL refuses to serve the certificate: " + reason(),
                 "ask for another one, with a longer key or another signature");
  }
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), certificates[i].get()) == 1) continue;
    return wrong(source.chain ? *source.chain : source.certificate, "OpenSSL refuses the chain: " + reason(),
                 "put the chain there that the authority names for this certificate");
  }
  return {};
}

bool sign(X509& certificate, EVP_PKEY& key, const std::string& host) {
  constexpr long kYears = 100;
  constexpr long kDay = 24L * 3600;
  X509_set_version(&certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(&certificate), 1);
  // Clocks differ, and nobody renews it.
  X509_gmtime_adj(X509_getm_notBefore(&certificate), -kDay);
  X509_time_adj_ex(X509_getm_notAfter(&certificate), static_cast<int>(kYears * 365), 0, nullptr);
  X509_NAME* const name = X509_get_subject_name(&certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>(host.data());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, static_cast<int>(host.size()), -1, 0);
  X509_set_issuer_name(&certificate, name);
  const Extension hosts(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str()));
  return hosts && X509_add_ext(&certificate, hosts.get(), -1) == 1 && X509_set_pubkey(&certificate, &key) == 1 &&
         X509_sign(&certificate, &key, EVP_sha256()) > 0;
}

/// Without `now` no time is too late.
Result<Certificate> read_at(const Source& source, std::optional<std::int64_t> now) {
  Result<std::vector<Cert>> certificates = certificates_in(source.certificate);
  if (!certificates) return pass(certificates);
  if (source.chain) {
    Result<std::vector<Cert>> chain = certificates_in(*source.chain);
    if (!chain) return pass(chain);
    // Aegir has written both kinds: with the certificate itself in front, and without it.
    for (Cert& one : *chain) {
      const bool known =
          std::ranges::any_of(*certificates, [&](const Cert& other) { return X509_cmp(one.get(), other.get()) == 0; });
      if (!known) certificates->push_back(std::move(one));
    }
  }
  Result<Key> key = key_in(source.key);
  if (!key) return pass(key);
  const X509& leaf = *certificates->front();
  if (X509_check_private_key(&leaf, key->get()) != 1) {
    ERR_clear_error();
    return wrong(source.key, "the key does not fit the certificate in " + source.certificate.path,
                 "put the key there that this certificate was asked for with");
  }
  if (now) {
    if (Result<void> ok = check_times(source.certificate, leaf, *now); !ok) return pass(ok);
  }
  if (Result<void> ok = try_out(source, *certificates, key->get()); !ok) return pass(ok);
  return Certificate{pem_of(*certificates, key->get()), hosts_of(leaf), time_of(X509_get0_notAfter(&leaf))};
}

}  // namespace

Result<Certificate> read(const Source& source, std::int64_t now) { return read_at(source, now); }

Result<Certificate> read_pem(const Text& pem) { return read_at({pem, std::nullopt, pem}, std::nullopt); }

Result<std::string> make_self_signed(const std::string& host) {
  ERR_clear_error();
  Key key(EVP_EC_gen("P-256"));
  std::vector<Cert> certificates;
  certificates.emplace_back(X509_new());
  if (!key || !certificates.front() || !sign(*certificates.front(), *key, host)) {
    return fail(Code::kInvalid, "a certificate for " + host + " can't be made: " + reason());
  }
  return pem_of(certificates, key.get());
}

}  // namespace aegir::tls
