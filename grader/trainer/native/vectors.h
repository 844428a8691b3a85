// Several floats at once, and the functions of a cell on them.
//
// RNN_WIDTH is given when compiling: 16 for AVX-512, 8 for AVX2, 4 for any other processor. The
// compiler's vector types do the rest, so all three are this one source.
#pragma once

#include <stdint.h>

namespace rnn {

constexpr long kWidth = RNN_WIDTH;
constexpr int kRegisters = RNN_WIDTH == 16 ? 16 : 8;  // of sums that one tile keeps

typedef float Vector __attribute__((vector_size(4 * RNN_WIDTH)));
typedef int32_t Integers __attribute__((vector_size(4 * RNN_WIDTH)));
typedef float Loose __attribute__((vector_size(4 * RNN_WIDTH), aligned(4), may_alias));

#define RNN_INLINE inline __attribute__((always_inline))

RNN_INLINE Vector all(float value) { return Vector{} + value; }

RNN_INLINE Vector load(const float* from) { return *reinterpret_cast<const Loose*>(from); }

RNN_INLINE void store(float* to, Vector values) { *reinterpret_cast<Loose*>(to) = values; }

// The first `count` floats, zeros behind them; nothing behind them is read.
RNN_INLINE Vector load_some(const float* from, long count) {
  if (count >= kWidth) return load(from);
  Vector values{};
  for (long i = 0; i < count; ++i) values[i] = from[i];
  return values;
}

RNN_INLINE void store_some(float* to, Vector values, long count) {
  if (count >= kWidth) return store(to, values);
  for (long i = 0; i < count; ++i) to[i] = values[i];
}

// exp(x) = 2^n exp(r), |r| <= log(2) / 2, by the polynomial of the Cephes library (expf). NaN stays.
RNN_INLINE Vector exponential(Vector x) {
  const Vector least = all(-87.3f), most = all(88.3f);  // beyond, 2^n is no normal float
  x = x < least ? least : x;
  x = x > most ? most : x;
  const Vector shift = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const Vector shifted = x * 1.44269504088896341f + shift;
  const Vector n = shifted - shift;
  Vector r = x - n * 0.693359375f;  // log(2) in two parts, the first exact
  r = r + n * 2.12194440e-4f;
  Vector p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const Integers exponent = (Integers)shifted - (Integers)shift;
  return p * (Vector)((exponent + 127) << 23);
}

RNN_INLINE Vector sigmoid(Vector x) { return 1.0f / (1.0f + exponential(-x)); }

// Near 0 a polynomial (Cephes, tanhf): 1 - 2 / (exp(2x) + 1) would lose what is small there.
RNN_INLINE Vector tangent(Vector x) {
  const Vector s = x * x;
  Vector p = all(-5.70498872745e-3f);
  p = p * s + 2.06390887954e-2f;
  p = p * s - 5.37397155531e-2f;
  p = p * s + 1.33314422036e-1f;
  p = p * s - 3.33332819422e-1f;
  const Vector small = p * s * x + x;
  const Vector large = 1.0f - 2.0f / (exponential(x + x) + 1.0f);
  return s < all(0.390625f) ? small : large;  // |x| < 0.625
}

}  // namespace rnn
