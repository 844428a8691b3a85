// GRU: z, r = sigmoid of the gates, then h' = z h + (1 - z) c with
//   reset after:   c = tanh(x W + b + r (h U + b'))
//   reset before:  c = tanh(x W + b + (r h) U)
#pragma once

#include "layer.h"

namespace rnn::gru {

constexpr int kGates = 3;  // z, r, c
constexpr int kTrace = 4;  // the gates; reset after: h U + b' of the third, before: r h

struct Weights {
  const float *kernel, *recurrent, *bias;  // (features, 3 units), (units, 3 units), (parts, 3 units)
  bool reset_after;                        // then the bias has two parts: of inputs, of the state
};

namespace detail {

struct Padded {
  Floats kernel, recurrent, bias;
  Padded(const Sizes& s, const Weights& w)
      : kernel(pad(w.kernel, s.features, kGates, s.units)),
        recurrent(pad(w.recurrent, s.units, kGates, s.units)),
        bias(pad(w.bias, w.reset_after ? 2 : 1, kGates, s.units)) {}
};

// One tile: rows n …, units j …
struct Tile {
  long n, j;
  float* trace;    // of this timestep
  float* outputs;  // of row 0 at this timestep
  Rows x, h;
};

template <int R>
RNN_INLINE void write(const Sizes& s, const Tile& at, int r, Vector z, Vector c) {
  const long some = s.units - at.j;
  const Vector old = load_some(at.h[at.n + r] + at.j, some);
  store_some(at.outputs + (at.n + r) * s.timesteps * s.units + at.j, z * old + (1.0f - z) * c,
             some);
}

template <int R>
RNN_INLINE void after(const Sizes& s, const Padded& w, const Tile& at) {
  const long width = s.width(), row = kGates * width;
  Vector input[R][kGates] = {}, state[R][kGates] = {};
  multiply(input, s.features, at.x[at.n], at.x.stride, 1, w.kernel + at.j, row, width);
  multiply(state, s.units, at.h[at.n], at.h.stride, 1, w.recurrent + at.j, row, width);
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < kGates; ++g) {
      input[r][g] += load(w.bias + g * width + at.j);
      state[r][g] += load(w.bias + row + g * width + at.j);
    }
    const Vector z = sigmoid(input[r][0] + state[r][0]), reset = sigmoid(input[r][1] + state[r][1]);
    const Vector c = tangent(input[r][2] + reset * state[r][2]);
    const Vector parts[kTrace] = {z, reset, c, state[r][2]};
    for (int k = 0; k < kTrace; ++k)
      store(at.trace + ((at.n + r) * kTrace + k) * width + at.j, parts[k]);
    write<R>(s, at, r, z, c);
  }
}

// Reset before: first z, r and r h of all units, for the third gate needs all of r h.
template <int R>
RNN_INLINE void before_gates(const Sizes& s, const Padded& w, const Tile& at) {
  const long width = s.width(), row = kGates * width;
  Vector sums[R][2] = {};
  multiply(sums, s.features, at.x[at.n], at.x.stride, 1, w.kernel + at.j, row, width);
  multiply(sums, s.units, at.h[at.n], at.h.stride, 1, w.recurrent + at.j, row, width);
  for (int r = 0; r < R; ++r) {
    const Vector reset = sigmoid(sums[r][1] + load(w.bias + width + at.j));
    float* to = at.trace + (at.n + r) * kTrace * width + at.j;
    store(to, sigmoid(sums[r][0] + load(w.bias + at.j)));
    store(to + width, reset);
    store(to + 3 * width, reset * load_some(at.h[at.n + r] + at.j, s.units - at.j));
  }
}

template <int R>
RNN_INLINE void before_state(const Sizes& s, const Padded& w, const Tile& at) {
  const long width = s.width(), row = kGates * width, third = 2 * width + at.j;
  Vector sums[R][1] = {};
  multiply(sums, s.features, at.x[at.n], at.x.stride, 1, w.kernel + third, row, width);
  multiply(sums, s.units, at.trace + (at.n * kTrace + 3) * width, kTrace * width, 1,
           w.recurrent + third, row, width);
  for (int r = 0; r < R; ++r) {
    float* to = at.trace + (at.n + r) * kTrace * width + at.j;
    const Vector c = tangent(sums[r][0] + load(w.bias + third));
    store(to + 2 * width, c);
    write<R>(s, at, r, load(to), c);
  }
}

}  // namespace detail

// Leaves outputs (batch, timesteps, units) and the trace.
inline void forward(const Sizes& s, const float* inputs, const Weights& given, const float* first,
                    float* outputs, float* trace) {
  using namespace detail;
  const Padded w(s, given);
  for (long t = 0; t < s.timesteps; ++t) {
    Tile tile{0, 0, trace_at(s, trace, kTrace, t), outputs + t * s.units,
              at(inputs, s.timesteps, s.features, t), before(s, first, outputs, t)};
    const auto tiles = [&](auto act) {
      for (tile.j = 0; tile.j < s.width(); tile.j += kWidth)
        by_rows<rows_of(kGates)>(0, s.batch, [&](auto rows, long n) {
          tile.n = n;
          act(rows);
        });
    };
    if (given.reset_after) {
      tiles([&](auto rows) { after<decltype(rows)::value>(s, w, tile); });
    } else {
      tiles([&](auto rows) { before_gates<decltype(rows)::value>(s, w, tile); });
      tiles([&](auto rows) { before_state<decltype(rows)::value>(s, w, tile); });
    }
  }
}

struct Gradients {
  float *inputs, *kernel, *recurrent, *bias, *first;  // inputs: may be null
};

namespace detail {

// Gradients of one timestep: of the gates as the inputs see them, and as the state sees them
// (reset after: the third times r).
struct Step {
  Floats input, state;
  explicit Step(const Sizes& s)
      : input(s.batch * kGates * s.width()), state(s.batch * kGates * s.width()) {}
};

// Reset before: from the third gate's gradient back through (r h) U; before z and r are known.
inline void through_reset(const Sizes& s, const float* trace, const float* turned, Rows h,
                          const Step& step, float* d_state, float* d_reset) {
  const long width = s.width(), row = kGates * width;
  for (long i = 0; i < s.batch * width; ++i) d_reset[i] = 0.0f;
  add_product({step.input + 2 * width, row, 1, 0, turned + 2 * s.units * width, width, 0, 1,
               s.units, d_reset, width, s.batch, width});
  for (long n = 0; n < s.batch; ++n)
    for (long j = 0; j < width; j += kWidth) {
      const Vector r = load(trace + (n * kTrace + 1) * width + j), d = load(d_reset + n * width + j);
      float* to = d_state + n * width + j;
      store(to, load(to) + d * r);
      store(step.input + n * row + width + j,
            d * load_some(h[n] + j, s.units - j) * r * (1.0f - r));
    }
}

// (count, 3 width) of both views of the gates, summed over the batch.
inline void add_bias(const Sizes& s, const Step& step, bool reset_after, float* bias) {
  const long row = kGates * s.width();
  for (long j = 0; j < row; j += kWidth) {
    Vector input{}, state{};
    for (long n = 0; n < s.batch; ++n) {
      input += load(step.input + n * row + j);
      if (reset_after) state += load(step.state + n * row + j);
    }
    store(bias + j, load(bias + j) + input);
    if (reset_after) store(bias + row + j, load(bias + row + j) + state);
  }
}

}  // namespace detail

// d_outputs (batch, timesteps, units) or null, d_last (batch, units): of the outputs, of the last.
inline void backward(const Sizes& s, const float* inputs, const Weights& w, const float* first,
                     const float* outputs, const float* trace, const float* d_outputs,
                     const float* d_last, const Gradients& out) {
  using namespace detail;
  const long width = s.width(), row = kGates * width, parts = w.reset_after ? 2 : 1;
  const Floats turned = transpose(w.recurrent, s.units, kGates * s.units);
  const Floats state = pad(d_last, s.batch, 1, s.units), d_reset(s.batch * width);
  const Floats kernel(s.features * row), recurrent(s.units * row), bias(parts * row);
  const Step step(s);
  InputGradient d_inputs(s, w.kernel, kGates, out.inputs);
  for (long t = s.timesteps - 1; t >= 0; --t) {
    const Rows x = at(inputs, s.timesteps, s.features, t), h = before(s, first, outputs, t);
    const float* kept = trace_at(s, trace, kTrace, t);
    for (long n = 0; n < s.batch; ++n)
      for (long j = 0; j < width; j += kWidth) {
        const long some = s.units - j;
        const float* at_n = kept + n * kTrace * width + j;
        const Vector z = load(at_n), r = load(at_n + width), c = load(at_n + 2 * width);
        float* d_state = state + n * width + j;
        Vector d = load(d_state);
        if (d_outputs) d += load_some(at(d_outputs, s.timesteps, s.units, t)[n] + j, some);
        const Vector d_z = d * (load_some(h[n] + j, some) - c) * z * (1.0f - z);
        const Vector d_c = d * (1.0f - z) * (1.0f - c) * (1.0f + c);
        store(d_state, d * z);
        float *input = step.input + n * row + j, *own = step.state + n * row + j;
        store(input, d_z);
        store(input + 2 * width, d_c);
        if (w.reset_after) {
          const Vector d_r = d_c * load(at_n + 3 * width) * r * (1.0f - r);
          store(input + width, d_r);
          store(own, d_z);
          store(own + width, d_r);
          store(own + 2 * width, d_c * r);
        }
      }
    if (w.reset_after) {
      add_weights(s, h, s.units, step.state, kGates, recurrent);
      add_back(s, step.state, kGates, turned, s.units, state);
    } else {
      through_reset(s, kept, turned, h, step, state, d_reset);
      const float* reset_rows = kept + 3 * width;
      add_product({h.data, 1, h.stride, 0, step.input, row, 0, 1, s.batch, recurrent, row, s.units,
                   2 * width});
      add_product({reset_rows, 1, kTrace * width, 0, step.input + 2 * width, row, 0, 1, s.batch,
                   recurrent + 2 * width, row, s.units, width});
      add_product({step.input, row, 1, width, turned, width, s.units * width, 2, s.units, state,
                   width, s.batch, width});
    }
    add_bias(s, step, w.reset_after, bias);
    add_weights(s, x, s.features, step.input, kGates, kernel);
    d_inputs.write(step.input, t);
  }
  unpad(kernel, out.kernel, s.features, kGates, s.units);
  unpad(recurrent, out.recurrent, s.units, kGates, s.units);
  unpad(bias, out.bias, parts, kGates, s.units);
  unpad(state, out.first, s.batch, 1, s.units);
}

}  // namespace rnn::gru
