// Values as bytes, between processes of ours: for what a child tells its parent, and for the socket between aegird and
// aegird-worker. Both ends are built from the same source, so there are no versions; but the reader trusts nothing: a
// value that is cut short, too long for what is left, out of an enumeration's range or followed by more is refused.
//
//   number, bool, enum   8 bytes, little end first
//   string               4 bytes length, the bytes
//   optional             1 byte (0, 1), the value
//   vector               4 bytes count, the elements
//   pair, struct         its parts; a struct names them in a function fields(value), found by its argument:
//                        constexpr auto fields(wire::Of<Slot> auto& value) { return std::tie(value.block, value.uid); }
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::wire {

/// The last value of an enumeration that counts from 0; one without it can't be read.
template <class T>
inline constexpr std::uint64_t kLast = 0;
template <>
inline constexpr std::uint64_t kLast<Code> = static_cast<std::uint64_t>(Code::kInternal);

/// A T or a const T: one function fields() serves both.
template <class Value, class T>
concept Of = std::same_as<std::remove_const_t<Value>, T>;

constexpr auto fields(Of<Place> auto& value) { return std::tie(value.file, value.line, value.column); }
constexpr auto fields(Of<Error> auto& value) { return std::tie(value.code, value.message, value.place, value.hint); }

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;

template <class T>
concept Struct = requires(T& value) { fields(value); };

/// Appends values to `bytes()`.
class Encoder {
 public:
  template <Number T>
  void put(T value) {
    append(static_cast<std::uint64_t>(value), 8);
  }
  void put(std::string_view text) {
    append(text.size(), 4);
    bytes_ += text;
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  template <class T>
  void put(const std::optional<T>& value) {
    append(value.has_value() ? 1 : 0, 1);
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    append(values.size(), 4);
    for (const T& value : values) put(value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& value) {
    put(value.first);
    put(value.second);
  }
  template <Struct T>
  void put(const T& value) {
    std::apply([this](const auto&... parts) { (this->put(parts), ...); }, fields(value));
  }

  [[nodiscard]] std::string& bytes() noexcept { return bytes_; }

 private:
  void append(std::uint64_t value, int size) {
    for (int n = 0; n < size; ++n) bytes_ += static_cast<char>(value >> (8U * static_cast<unsigned>(n)));
  }

  std::string bytes_;
};

/// Takes values from the beginning of `bytes`, which must outlive it. Each get() is false, and what it gives of no
/// use, from the first value on that is not there.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) noexcept : rest_(bytes) {}

  template <Number T>
  [[nodiscard]] bool get(T& value) {
    std::uint64_t raw = 0;
    if (!take(8, raw)) return false;
    if constexpr (std::is_enum_v<T>) {
      static_assert(kLast<T> > 0, "an enumeration that is read has a kLast");
      if (raw > kLast<T>) return refuse();
      value = static_cast<T>(raw);
    } else {
      value = static_cast<T>(raw);
      if (static_cast<std::uint64_t>(value) != raw) return refuse();
    }
    return true;
  }
  [[nodiscard]] bool get(std::string& text) {
    std::uint64_t size = 0;
    if (!take(4, size) || size > rest_.size()) return refuse();
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return true;
  }
  template <class T>
  [[nodiscard]] bool get(std::optional<T>& value) {
    std::uint64_t there = 0;
    if (!take(1, there) || there > 1) return refuse();
    value.reset();
    return there == 0 || get(value.emplace());
  }
  template <class T>
  [[nodiscard]] bool get(std::vector<T>& values) {
    std::uint64_t count = 0;
    // Every element has a byte at least, so that a false count asks for no memory.
    if (!take(4, count) || count > rest_.size()) return refuse();
    values.clear();
    while (count-- > 0) {
      if (!get(values.emplace_back())) return false;
    }
    return true;
  }
  template <class A, class B>
  [[nodiscard]] bool get(std::pair<A, B>& value) {
    return get(value.first) && get(value.second);
  }
  template <Struct T>
  [[nodiscard]] bool get(T& value) {
    return std::apply([this](auto&... parts) { return (this->get(parts) && ...); }, fields(value));
  }

  /// Whether all was there and nothing is left.
  [[nodiscard]] bool finished() const noexcept { return good_ && rest_.empty(); }

 private:
  bool refuse() {
    good_ = false;
    rest_ = {};
    return false;
  }
  bool take(std::size_t size, std::uint64_t& value) {
    if (size > rest_.size()) return refuse();
    value = 0;
    for (std::size_t n = 0; n < size; ++n) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[n])) << (8U * n);
    }
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  bool good_ = true;
};

/// A Result as one value.
template <class T>
[[nodiscard]] std::string encode_result(const Result<T>& result) {
  Encoder encoder;
  encoder.put(result.has_value());
  if (!result) {
    encoder.put(result.error());
  } else if constexpr (!std::is_void_v<T>) {
    encoder.put(*result);
  }
  return std::move(encoder.bytes());
}

/// kInternal for bytes that are no such Result: who made them was killed, or is none of ours.
template <class T>
[[nodiscard]] Result<T> decode_result(std::string_view bytes) {
  Decoder decoder(bytes);
  bool good = false;
  Error error;
  if (decoder.get(good)) {
    if (!good && decoder.get(error) && decoder.finished()) return std::unexpected<Error>(std::move(error));
    if constexpr (std::is_void_v<T>) {
      if (good && decoder.finished()) return {};
    } else {
      T value{};
      if (good && decoder.get(value) && decoder.finished()) return value;
    }
  }
  return fail(Code::kInternal, "a child process that did a part of the work was cut short");
}

}  // namespace aegir::wire
