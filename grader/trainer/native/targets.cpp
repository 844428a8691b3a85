// What XLA calls: takes the arrays of a call in turn, and hands them to the layers.
//
// All arrays are float32, row by row. An array that is not wanted or not given has no elements.
// XLA's C interface, and nothing of C++'s library: a wheel's compiler would have to build that first.
#include "gru.h"
#include "lstm.h"
#include "simple_rnn.h"
#include "xla/ffi/api/c_api.h"

namespace {

using rnn::Sizes;

XLA_FFI_Error* wrong(const XLA_FFI_CallFrame& frame, const char* why) {
  XLA_FFI_Error_Create_Args args = {XLA_FFI_Error_Create_Args_STRUCT_SIZE, nullptr, why,
                                    XLA_FFI_Error_Code_INVALID_ARGUMENT};
  return frame.api->XLA_FFI_Error_Create(&args);
}

// The array of a place, null where there is none of float32. Both kinds of places are alike.
template <class Places, class Types>
const XLA_FFI_Buffer* array_at(const Places& places, const Types* types, void* const* arrays,
                               long number) {
  if (number >= places.size || types[number] != 1) return nullptr;  // 1: an array, of both kinds
  const auto* found = static_cast<const XLA_FFI_Buffer*>(arrays[number]);
  return found->dtype == XLA_FFI_DataType_F32 ? found : nullptr;
}

long elements(const XLA_FFI_Buffer& array) {
  long count = 1;
  for (long i = 0; i < array.rank; ++i) count *= array.dims[i];
  return count;
}

class Call {
 public:
  explicit Call(const XLA_FFI_CallFrame& frame) : frame_(frame) {
    const XLA_FFI_Buffer *inputs = given(0), *first = given(kFirst);
    fine_ = inputs && first && inputs->rank == 3 && first->rank == 2;
    if (!fine_) return;
    const auto* x = inputs->dims;
    sizes = {x[0], x[1], x[2], first->dims[1], x[1]};
    fine_ = elements(*inputs) > 0 && sizes.units > 0;
  }

  // The next array, which must have so many elements; null where it does not fit.
  const float* in(long count) { return taken(given(args_done_++), count); }
  float* out(long count) { return taken(result(rets_done_++), count); }

  // The next array, which may have no elements; then null.
  const float* in_if_any(long count) {
    const XLA_FFI_Buffer* found = given(args_done_);
    if (!found || elements(*found)) return in(count);
    ++args_done_;
    return nullptr;
  }
  float* out_if_any(long count) {
    const XLA_FFI_Buffer* found = result(rets_done_);
    if (!found || elements(*found)) return out(count);
    ++rets_done_;
    return nullptr;
  }

  // How long the first axis of a given array or of a result is.
  long rows_in(int number) const { return rows(given(number)); }
  long rows_out(int number) const { return rows(result(number)); }

  template <class Act>
  XLA_FFI_Error* done(const Act& act) const {
    if (!fine_ || args_done_ != frame_.args.size || rets_done_ != frame_.rets.size)
      return wrong(frame_, "arrays do not fit together");
    act();
    return nullptr;
  }

  Sizes sizes{};

 private:
  static constexpr int kFirst = 3;  // inputs, kernel, recurrent kernel, first state, …

  const XLA_FFI_Buffer* given(long number) const {
    return array_at(frame_.args, frame_.args.types, frame_.args.args, number);
  }
  const XLA_FFI_Buffer* result(long number) const {
    return array_at(frame_.rets, frame_.rets.types, frame_.rets.rets, number);
  }
  static long rows(const XLA_FFI_Buffer* array) { return array && array->rank ? array->dims[0] : 0; }
  float* taken(const XLA_FFI_Buffer* array, long count) {
    if (array && elements(*array) == count) return static_cast<float*>(array->data);
    fine_ = false;
    return nullptr;
  }

  const XLA_FFI_CallFrame& frame_;
  long args_done_ = 0, rets_done_ = 0;
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

XLA_FFI_Error* simple_forward(const XLA_FFI_CallFrame& frame) {
  Call call(frame);
  const Sizes& s = call.sizes;
  const Counts n(s, 1);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *bias = call.in(n.bias);
  float* y = call.out(n.outputs);
  return call.done([&] { rnn::simple::forward(s, x, {kernel, own, bias}, first, y); });
}

XLA_FFI_Error* simple_backward(const XLA_FFI_CallFrame& frame) {
  Call call(frame);
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

XLA_FFI_Error* lstm_forward(const XLA_FFI_CallFrame& frame) {
  using namespace rnn::lstm;
  Call call(frame);
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

XLA_FFI_Error* lstm_backward(const XLA_FFI_CallFrame& frame) {
  using namespace rnn::lstm;
  Call call(frame);
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
XLA_FFI_Error* gru_forward(const XLA_FFI_CallFrame& frame) {
  using namespace rnn::gru;
  Call call(frame);
  Sizes& s = call.sizes;
  if (call.rows_out(1) != s.timesteps) s.kept = 1;
  const bool after = call.rows_in(4) == 2;
  const Counts n(s, kGates);
  const float *x = call.in(n.inputs), *kernel = call.in(n.kernel), *own = call.in(n.recurrent);
  const float *first = call.in(n.state), *bias = call.in((after ? 2 : 1) * n.bias);
  float *y = call.out(n.outputs), *trace = call.out(s.kept * s.batch * kTrace * s.width());
  return call.done([&] { forward(s, x, {kernel, own, bias, after}, first, y, trace); });
}

XLA_FFI_Error* gru_backward(const XLA_FFI_CallFrame& frame) {
  using namespace rnn::gru;
  Call call(frame);
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

// XLA asks first for which version of its interface this was compiled.
template <XLA_FFI_Error* (*layer)(const XLA_FFI_CallFrame&)>
XLA_FFI_Error* answered(XLA_FFI_CallFrame* frame) {
  if (frame->struct_size != XLA_FFI_CallFrame_STRUCT_SIZE)
    return wrong(*frame, "compiled for another version of XLA");
  const auto* asked = frame->extension_start;
  if (asked && asked->type == XLA_FFI_Extension_Metadata) {
    auto* told = reinterpret_cast<const XLA_FFI_Metadata_Extension*>(asked)->metadata;
    told->api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR,
                         XLA_FFI_API_MINOR};
    told->traits = 0;
    told->state_type_id = XLA_FFI_UNKNOWN_TYPE_ID;
    return nullptr;
  }
  if (frame->stage != XLA_FFI_ExecutionStage_EXECUTE) return wrong(*frame, "nothing to prepare");
  return layer(*frame);
}

}  // namespace

#define RNN_VISIBLE __attribute__((visibility("default")))
#define RNN_TARGET(name)                                            \
  RNN_VISIBLE XLA_FFI_Error* rnn_##name(XLA_FFI_CallFrame* frame) { \
    return answered<name>(frame);                                   \
  }

extern "C" {
RNN_TARGET(simple_forward)
RNN_TARGET(simple_backward)
RNN_TARGET(lstm_forward)
RNN_TARGET(lstm_backward)
RNN_TARGET(gru_forward)
RNN_TARGET(gru_backward)

RNN_VISIBLE extern const int rnn_width;
const int rnn_width = RNN_WIDTH;
}
