// What the layers share: sizes, padded copies, the gradients of weights and inputs.
//
// Outside, arrays are Keras': inputs (batch, timesteps, features), outputs (batch, timesteps, units),
// weights (…, gates * units). Inside, each gate's units are padded to a multiple of the width.
#pragma once

#include <stdlib.h>

#include "products.h"

namespace rnn {

constexpr long padded(long count) { return (count + kWidth - 1) / kWidth * kWidth; }

struct Sizes {
  long batch, timesteps, features, units;
  long kept;  // timesteps whose trace is kept: all of them for a gradient, otherwise 1
  long width() const { return padded(units); }
};

// Floats of our own: zeros, aligned. Without memory for them the room ends.
class Floats {
 public:
  explicit Floats(long count) : data_(static_cast<float*>(aligned_alloc(kAlignment, bytes(count)))) {
    if (!data_) abort();
    for (long i = 0; i < count; ++i) data_[i] = 0.0f;
  }
  Floats(Floats&& other) : data_(other.data_) { other.data_ = nullptr; }
  ~Floats() { free(data_); }
  operator float*() const { return data_; }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t bytes(long count) {  // whole lines, at least one
    return (sizeof(float) * static_cast<size_t>(count) / kAlignment + 1) * kAlignment;
  }
  float* data_;
};

// One timestep of an array (batch, timesteps, n), or a state (batch, n): rows `stride` apart.
struct Rows {
  const float* data;
  long stride;
  const float* operator[](long row) const { return data + row * stride; }
};

RNN_INLINE Rows at(const float* array, long timesteps, long size, long t) {
  return {array + t * size, timesteps * size};
}

// The state before timestep t: the first one, or the output of the timestep before.
RNN_INLINE Rows before(const Sizes& s, const float* first, const float* outputs, long t) {
  return t == 0 ? Rows{first, s.units} : at(outputs, s.timesteps, s.units, t - 1);
}

// (rows, parts * size) to (rows, parts * padded(size)), zeros between; and back.
inline Floats pad(const float* from, long rows, long parts, long size) {
  Floats to(rows * parts * padded(size));
  for (long i = 0; i < rows * parts; ++i)
    for (long j = 0; j < size; ++j) to[i * padded(size) + j] = from[i * size + j];
  return to;
}

inline void unpad(const float* from, float* to, long rows, long parts, long size) {
  for (long i = 0; i < rows * parts; ++i)
    for (long j = 0; j < size; ++j) to[i * size + j] = from[i * padded(size) + j];
}

// (rows, columns) to (columns, padded(rows)).
inline Floats transpose(const float* from, long rows, long columns) {
  Floats to(columns * padded(rows));
  for (long i = 0; i < rows; ++i)
    for (long j = 0; j < columns; ++j) to[j * padded(rows) + i] = from[i * columns + j];
  return to;
}

// The trace of timestep t: what its gates were, (batch, parts * width).
template <class Float>
RNN_INLINE Float* trace_at(const Sizes& s, Float* trace, long parts, long t) {
  return trace + (t % s.kept) * s.batch * parts * s.width();
}

// A weight's gradient (count, gates * width) grows by the rows of one timestep, turned, times the
// gates' gradients (batch, gates * width). So it is a sum over timesteps of sums over the batch, as
// in Keras' own path.
inline void add_weights(const Sizes& s, Rows rows, long count, const float* gates, long gate_count,
                        float* gradient) {
  const long row = gate_count * s.width();
  add_product({rows.data, 1, rows.stride, 0, gates, row, 0, 1, s.batch, gradient, row, count, row});
}

// out (batch, padded(size)) grows by the gates' gradients (batch, gates * width) times the turned
// weights (gates * units, padded(size)).
inline void add_back(const Sizes& s, const float* gates, long gate_count, const float* turned,
                     long size, float* out) {
  const long row = padded(size);
  add_product({gates, gate_count * s.width(), 1, s.width(), turned, row, s.units * row, gate_count,
               s.units, out, row, s.batch, row});
}

// The gradient of the inputs of timestep t.
class InputGradient {
 public:
  // `weights`: (features, gates * units). Without `out` nothing is computed.
  InputGradient(const Sizes& s, const float* weights, long gates, float* out)
      : sizes_(s), gates_(gates), out_(out),
        turned_(transpose(weights, out ? s.features : 0, gates * s.units)),
        sums_(out ? s.batch * padded(s.features) : 0) {}

  void write(const float* gates, long t) {
    if (!out_) return;
    const Sizes& s = sizes_;
    const long row = padded(s.features);
    for (long i = 0; i < s.batch * row; ++i) sums_[i] = 0.0f;
    add_back(s, gates, gates_, turned_, s.features, sums_);
    for (long n = 0; n < s.batch; ++n)
      for (long i = 0; i < s.features; ++i)
        out_[(n * s.timesteps + t) * s.features + i] = sums_[n * row + i];
  }

 private:
  Sizes sizes_;
  long gates_;
  float* out_;
  Floats turned_, sums_;
};

}  // namespace rnn
