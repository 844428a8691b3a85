// SimpleRNN: h' = tanh(x W + h U + b). Its outputs are all that a gradient needs.
#pragma once

#include "layer.h"

namespace rnn::simple {

struct Weights {
  const float *kernel, *recurrent, *bias;  // (features, units), (units, units), (units)
};

inline void forward(const Sizes& s, const float* inputs, const Weights& w, const float* first,
                    float* outputs) {
  const long width = s.width();
  const Floats kernel = pad(w.kernel, s.features, 1, s.units);
  const Floats recurrent = pad(w.recurrent, s.units, 1, s.units);
  const Floats bias = pad(w.bias, 1, 1, s.units);
  for (long t = 0; t < s.timesteps; ++t) {
    const Rows x = at(inputs, s.timesteps, s.features, t), h = before(s, first, outputs, t);
    for (long j = 0; j < width; j += kWidth)
      by_rows<rows_of(1)>(0, s.batch, [&](auto rows, long n) {
        constexpr int R = decltype(rows)::value;
        Vector sums[R][1] = {};
        multiply(sums, s.features, x[n], x.stride, 1, kernel + j, width, width);
        multiply(sums, s.units, h[n], h.stride, 1, recurrent + j, width, width);
        for (int r = 0; r < R; ++r)
          store_some(outputs + ((n + r) * s.timesteps + t) * s.units + j,
                     tangent(sums[r][0] + load(bias + j)), s.units - j);
      });
  }
}

struct Gradients {
  float *inputs, *kernel, *recurrent, *bias, *first;  // inputs: may be null
};

// d_outputs (batch, timesteps, units) or null, d_last (batch, units): of the outputs, of the last.
inline void backward(const Sizes& s, const float* inputs, const Weights& w, const float* first,
                     const float* outputs, const float* d_outputs, const float* d_last,
                     const Gradients& out) {
  const long width = s.width();
  const Floats turned = transpose(w.recurrent, s.units, s.units);
  const Floats state = pad(d_last, s.batch, 1, s.units), gates(s.batch * width);
  const Floats kernel(s.features * width), recurrent(s.units * width), bias(width);
  InputGradient d_inputs(s, w.kernel, 1, out.inputs);
  for (long t = s.timesteps - 1; t >= 0; --t) {
    const Rows x = at(inputs, s.timesteps, s.features, t), h = before(s, first, outputs, t);
    const Rows y = at(outputs, s.timesteps, s.units, t);
    for (long j = 0; j < width; j += kWidth) {
      const long some = s.units - j;
      Vector sum{};
      for (long n = 0; n < s.batch; ++n) {
        float* d_state = state + n * width + j;
        Vector d = load(d_state);
        if (d_outputs) d += load_some(at(d_outputs, s.timesteps, s.units, t)[n] + j, some);
        const Vector value = load_some(y[n] + j, some);
        d = d * (1.0f - value) * (1.0f + value);
        store(gates + n * width + j, d);
        store(d_state, Vector{});
        sum += d;
      }
      store(bias + j, load(bias + j) + sum);
    }
    add_weights(s, x, s.features, gates, 1, kernel);
    add_weights(s, h, s.units, gates, 1, recurrent);
    add_back(s, gates, 1, turned, s.units, state);
    d_inputs.write(gates, t);
  }
  unpad(kernel, out.kernel, s.features, 1, s.units);
  unpad(recurrent, out.recurrent, s.units, 1, s.units);
  unpad(bias, out.bias, 1, 1, s.units);
  unpad(state, out.first, s.batch, 1, s.units);
}

}  // namespace rnn::simple
