// LSTM: i, f, o = sigmoid, g = tanh of (x W + h U + b); c' = f c + i g; h' = o tanh(c').
#pragma once

#include "layer.h"

namespace rnn::lstm {

constexpr int kGates = 4;  // i, f, g, o
constexpr int kTrace = 6;  // the gates, c', tanh(c')

struct Weights {
  const float *kernel, *recurrent, *bias;  // (features, 4 units), (units, 4 units), (4 units)
};

// Leaves outputs (batch, timesteps, units), the last carry (batch, units), the trace.
inline void forward(const Sizes& s, const float* inputs, const Weights& w, const float* first,
                    const float* first_carry, float* outputs, float* last_carry, float* trace) {
  const long width = s.width(), row = kGates * width;
  const Floats kernel = pad(w.kernel, s.features, kGates, s.units);
  const Floats recurrent = pad(w.recurrent, s.units, kGates, s.units);
  const Floats bias = pad(w.bias, 1, kGates, s.units);
  const Floats carry = pad(first_carry, s.batch, 1, s.units);
  for (long t = 0; t < s.timesteps; ++t) {
    const Rows x = at(inputs, s.timesteps, s.features, t), h = before(s, first, outputs, t);
    float* kept = trace_at(s, trace, kTrace, t);
    for (long j = 0; j < width; j += kWidth)
      by_rows<rows_of(kGates)>(0, s.batch, [&](auto rows, long n) {
        constexpr int R = decltype(rows)::value;
        Vector sums[R][kGates] = {}, b[kGates];
        for (int g = 0; g < kGates; ++g) b[g] = load(bias + g * width + j);
        multiply(sums, s.features, x[n], x.stride, 1, kernel + j, row, width);
        multiply(sums, s.units, h[n], h.stride, 1, recurrent + j, row, width);
        for (int r = 0; r < R; ++r) {
          const Vector i = sigmoid(sums[r][0] + b[0]), f = sigmoid(sums[r][1] + b[1]);
          const Vector g = tangent(sums[r][2] + b[2]), o = sigmoid(sums[r][3] + b[3]);
          float* state = carry + (n + r) * width + j;
          const Vector c = f * load(state) + i * g, squashed = tangent(c);
          store(state, c);
          store_some(outputs + ((n + r) * s.timesteps + t) * s.units + j, o * squashed,
                     s.units - j);
          const Vector parts[kTrace] = {i, f, g, o, c, squashed};
          for (int k = 0; k < kTrace; ++k)
            store(kept + (n + r) * kTrace * width + k * width + j, parts[k]);
        }
      });
  }
  unpad(carry, last_carry, s.batch, 1, s.units);
}

struct Gradients {
  float *inputs, *kernel, *recurrent, *bias, *first, *first_carry;  // inputs: may be null
};

// d_outputs (batch, timesteps, units) or null; d_last, d_carry (batch, units): of the last states.
inline void backward(const Sizes& s, const float* inputs, const Weights& w, const float* first,
                     const float* first_carry, const float* outputs, const float* trace,
                     const float* d_outputs, const float* d_last, const float* d_carry,
                     const Gradients& out) {
  const long width = s.width(), row = kGates * width;
  const Floats turned = transpose(w.recurrent, s.units, kGates * s.units);
  const Floats start = pad(first_carry, s.batch, 1, s.units);
  const Floats state = pad(d_last, s.batch, 1, s.units), carry = pad(d_carry, s.batch, 1, s.units);
  const Floats kernel(s.features * row), recurrent(s.units * row), bias(row);
  const Floats gates(s.batch * row);
  InputGradient d_inputs(s, w.kernel, kGates, out.inputs);
  for (long t = s.timesteps - 1; t >= 0; --t) {
    const Rows x = at(inputs, s.timesteps, s.features, t), h = before(s, first, outputs, t);
    const float* kept = trace_at(s, trace, kTrace, t);
    const Rows old = t == 0 ? Rows{start, width}
                            : Rows{trace_at(s, trace, kTrace, t - 1) + 4 * width, kTrace * width};
    for (long j = 0; j < width; j += kWidth) {
      Vector sums[kGates] = {};
      for (long n = 0; n < s.batch; ++n) {
        const float* at_n = kept + n * kTrace * width + j;
        const Vector i = load(at_n), f = load(at_n + width), g = load(at_n + 2 * width);
        const Vector o = load(at_n + 3 * width), squashed = load(at_n + 5 * width);
        float *d_state = state + n * width + j, *d_cell = carry + n * width + j;
        Vector d = load(d_state);
        if (d_outputs)
          d += load_some(at(d_outputs, s.timesteps, s.units, t)[n] + j, s.units - j);
        const Vector d_c = load(d_cell) + d * o * (1.0f - squashed) * (1.0f + squashed);
        const Vector parts[kGates] = {d_c * g * i * (1.0f - i),
                                      d_c * load(old[n] + j) * f * (1.0f - f),
                                      d_c * i * (1.0f - g) * (1.0f + g), d * squashed * o * (1.0f - o)};
        for (int k = 0; k < kGates; ++k) {
          store(gates + n * row + k * width + j, parts[k]);
          sums[k] += parts[k];
        }
        store(d_cell, d_c * f);
        store(d_state, Vector{});
      }
      for (int k = 0; k < kGates; ++k)
        store(bias + k * width + j, load(bias + k * width + j) + sums[k]);
    }
    add_weights(s, x, s.features, gates, kGates, kernel);
    add_weights(s, h, s.units, gates, kGates, recurrent);
    add_back(s, gates, kGates, turned, s.units, state);
    d_inputs.write(gates, t);
  }
  unpad(kernel, out.kernel, s.features, kGates, s.units);
  unpad(recurrent, out.recurrent, s.units, kGates, s.units);
  unpad(bias, out.bias, 1, kGates, s.units);
  unpad(state, out.first, s.batch, 1, s.units);
  unpad(carry, out.first_carry, s.batch, 1, s.units);
}

}  // namespace rnn::lstm
