// What XLA calls: takes the arrays of a call in turn, and hands them to the layers.
//
// All arrays are float32, row by row. An array that is not wanted or not given has no elements.
#include <new>

#include "gru.h"
#include "lstm.h"
#include "simple_rnn.h"
#include "xla/ffi/api/ffi.h"

namespace {

namespace ffi = xla::ffi;
using In = ffi::Buffer<ffi::F32>;
using rnn::Sizes;

class Call {
 public:
  Call(ffi::RemainingArgs args, ffi::RemainingRets rets) : args_(args), rets_(rets) {
    const auto inputs = args_.get<In>(0), first = args_.get<In>(kFirst);
    fine_ = inputs.has_value() && first.has_value() && inputs->dimensions().size() == 3 &&
            first->dimensions().size() == 2;
    if (!fine_) return;
    const auto x = inputs->dimensions();
    sizes = {x[0], x[1], x[2], first->dimensions()[1], x[1]};
    fine_ = inputs->element_count() > 0 && sizes.units > 0;
  }

  // The next array, which must have so many elements; null where it does not fit.
  const float* in(long count) { return taken(args_.get<In>(args_done_++), count); }
  float* out(long count) {
    auto found = rets_.get<In>(rets_done_++);
    return found.has_value() ? taken(**found, count) : failed();
  }

  // The next array, which may have no elements; then null.
  const float* in_if_any(long count) {
    const auto found = args_.get<In>(args_done_);
    if (!found.has_value() || found->element_count()) return in(count);
    ++args_done_;
    return nullptr;
  }
  float* out_if_any(long count) {
    auto found = rets_.get<In>(rets_done_);
    if (!found.has_value() || (*found)->element_count()) return out(count);
    ++rets_done_;
    return nullptr;
  }

  // How long the first axis of a given array or of a result is.
  long rows_in(int number) const {
    const auto found = args_.get<In>(number);
    return found.has_value() && found->dimensions().size() ? found->dimensions()[0] : 0;
  }
  long rows_out(int number) const {
    auto found = rets_.get<In>(number);
    return found.has_value() && (*found)->dimensions().size() ? (*found)->dimensions()[0] : 0;
  }

  template <class Act>
  ffi::Error done(const Act& act) const {
    if (!fine_ || args_done_ != args_.size() || rets_done_ != rets_.size())
      return ffi::Error(ffi::ErrorCode::kInvalidArgument, "arrays do not fit together");
    try {
      act();
    } catch (const std::bad_alloc&) {
      return ffi::Error(ffi::ErrorCode::kResourceExhausted, "no memory");
    }
    return ffi::Error::Success();
  }

  Sizes sizes{};

 private:
  static constexpr int kFirst = 3;  // inputs, kernel, recurrent kernel, first state, …

  float* failed() {
    fine_ = false;
    return nullptr;
  }
  float* taken(const In& array, long count) {
    return static_cast<long>(array.element_count()) == count ? array.typed_data() : failed();
  }
  float* taken(const ffi::ErrorOr<In>& array, long count) {
    return array.has_value() ? taken(*array, count) : failed();
  }

  ffi::RemainingArgs args_;
  ffi::RemainingRets rets_;
  std::size_t args_done_ = 0, rets_done_ = 0;
  bool fine_ = false;
};

// How many numbers are in the arrays of a layer with so many gates.
struct Counts {
  long inputs, kernel, recurrent, bias, state, outputs;
  Counts(const Sizes& s, long gates)
      : inputs(s.batch * s.timesteps * s.features), kernel(s.features * gates * s.units),
        recurrent(s.units * gates * s.units), bias(gates * s.units), state(s.batch * s.units),
        outputs(s.batch * s.timesteps * s.units) {}
};

ffi::Error simple_forward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  Call call(args, rets);
  const Sizes& s = call.sizes;
  const Counts n(s, 1);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *bias = call.in(n.bias);
  float* y = call.out(n.outputs);
  return call.done([&] { rnn::simple::forward(s, x, {kernel, own, bias}, first, y); });
}

ffi::Error simple_backward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  Call call(args, rets);
  const Sizes& s = call.sizes;
  const Counts n(s, 1);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *y = call.in(n.outputs);
  const float *d_y = call.in_if_any(n.outputs), *d_last = call.in(n.state);
  float *d_x = call.out_if_any(n.inputs), *d_kernel = call.out(n.kernel);
  float *d_own = call.out(n.recurrent), *d_bias = call.out(n.bias), *d_first = call.out(n.state);
  return call.done([&] {
    rnn::simple::backward(s, x, {kernel, own, nullptr}, first, y, d_y, d_last,
                          {d_x, d_kernel, d_own, d_bias, d_first});
  });
}

ffi::Error lstm_forward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  using namespace rnn::lstm;
  Call call(args, rets);
  Sizes& s = call.sizes;
  if (call.rows_out(2) != s.timesteps) s.kept = 1;
  const Counts n(s, kGates);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *carry = call.in(n.state), *bias = call.in(n.bias);
  float *y = call.out(n.outputs), *last_carry = call.out(n.state);
  float* trace = call.out(s.kept * s.batch * kTrace * s.width());
  return call.done(
      [&] { forward(s, x, {kernel, own, bias}, first, carry, y, last_carry, trace); });
}

ffi::Error lstm_backward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  using namespace rnn::lstm;
  Call call(args, rets);
  const Sizes& s = call.sizes;
  const Counts n(s, kGates);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *carry = call.in(n.state), *y = call.in(n.outputs);
  const float* trace = call.in(s.kept * s.batch * kTrace * s.width());
  const float *d_y = call.in_if_any(n.outputs), *d_last = call.in(n.state);
  const float* d_last_carry = call.in(n.state);
  float *d_x = call.out_if_any(n.inputs), *d_kernel = call.out(n.kernel);
  float *d_own = call.out(n.recurrent), *d_bias = call.out(n.bias);
  float *d_first = call.out(n.state), *d_carry = call.out(n.state);
  return call.done([&] {
    backward(s, x, {kernel, own, nullptr}, first, carry, y, trace, d_y, d_last, d_last_carry,
             {d_x, d_kernel, d_own, d_bias, d_first, d_carry});
  });
}

// The bias has two rows, of inputs and of the state, where the reset comes after the product.
ffi::Error gru_forward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  using namespace rnn::gru;
  Call call(args, rets);
  Sizes& s = call.sizes;
  if (call.rows_out(1) != s.timesteps) s.kept = 1;
  const bool after = call.rows_in(4) == 2;
  const Counts n(s, kGates);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *bias = call.in((after ? 2 : 1) * n.bias);
  float *y = call.out(n.outputs), *trace = call.out(s.kept * s.batch * kTrace * s.width());
  return call.done([&] { forward(s, x, {kernel, own, bias, after}, first, y, trace); });
}

ffi::Error gru_backward(ffi::RemainingArgs args, ffi::RemainingRets rets) {
  using namespace rnn::gru;
  Call call(args, rets);
  const Sizes& s = call.sizes;
  const bool after = call.rows_out(3) == 2;
  const Counts n(s, kGates);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *y = call.in(n.outputs);
  const float* trace = call.in(s.kept * s.batch * kTrace * s.width());
  const float *d_y = call.in_if_any(n.outputs), *d_last = call.in(n.state);
  float *d_x = call.out_if_any(n.inputs), *d_kernel = call.out(n.kernel);
  float *d_own = call.out(n.recurrent), *d_bias = call.out((after ? 2 : 1) * n.bias);
  float* d_first = call.out(n.state);
  return call.done([&] {
    backward(s, x, {kernel, own, nullptr, after}, first, y, trace, d_y, d_last,
             {d_x, d_kernel, d_own, d_bias, d_first});
  });
}

}  // namespace

#define RNN_VISIBLE __attribute__((visibility("default")))
#define RNN_TARGET(name)                                             \
  extern "C" RNN_VISIBLE XLA_FFI_Error* rnn_##name(XLA_FFI_CallFrame*); \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(rnn_##name, name,                    \
                                ffi::Ffi::Bind().RemainingArgs().RemainingRets())

RNN_TARGET(simple_forward);
RNN_TARGET(simple_backward);
RNN_TARGET(lstm_forward);
RNN_TARGET(lstm_backward);
RNN_TARGET(gru_forward);
RNN_TARGET(gru_backward);

extern "C" {
RNN_VISIBLE extern const int rnn_width;
const int rnn_width = RNN_WIDTH;
}
