"""In the evaluation room: the layers that a model may be rebuilt from, and their plain settings.

Enters: nothing. Leaves: tables. Touches nothing; stdlib only, for both the judge and the evaluation
room read them. A setting that is not listed is dropped; a layer that is not listed makes the model
one that only its own notebook could run. Nothing here names code: no function, module or path.
"""

from __future__ import annotations

ACTIVATIONS = frozenset(
    "linear relu relu6 leaky_relu elu selu celu gelu silu swish mish softplus softsign sigmoid "
    "hard_sigmoid hard_silu hard_tanh tanh tanh_shrink exponential softmax log_softmax "
    "squareplus".split()
)

_RECURRENT = (
    "units activation use_bias return_sequences go_backwards dropout recurrent_dropout "
    "kernel_initializer recurrent_initializer bias_initializer"
)
_CONV = (
    "filters kernel_size strides padding dilation_rate groups activation use_bias "
    "kernel_initializer bias_initializer"
)
_NORM = "axis epsilon center scale"

LAYERS: dict[str, frozenset[str]] = {
    name: frozenset(settings.split())
    for name, settings in {
        "Dense": "units activation use_bias kernel_initializer bias_initializer",
        "SimpleRNN": _RECURRENT,
        "LSTM": f"{_RECURRENT} recurrent_activation unit_forget_bias",
        "GRU": f"{_RECURRENT} recurrent_activation reset_after",
        "Embedding": "input_dim output_dim mask_zero embeddings_initializer",
        "Conv1D": _CONV,
        "SeparableConv1D": f"{_CONV} depth_multiplier",
        "MaxPooling1D": "pool_size strides padding",
        "AveragePooling1D": "pool_size strides padding",
        "GlobalMaxPooling1D": "keepdims",
        "GlobalAveragePooling1D": "keepdims",
        "Flatten": "",
        "Reshape": "target_shape",
        "Permute": "dims",
        "RepeatVector": "n",
        "Masking": "mask_value",
        "Dropout": "rate",
        "SpatialDropout1D": "rate",
        "GaussianNoise": "stddev",
        "Activation": "activation",
        "ReLU": "max_value negative_slope threshold",
        "LeakyReLU": "negative_slope",
        "Softmax": "axis",
        "BatchNormalization": f"{_NORM} momentum",
        "LayerNormalization": _NORM,
    }.items()
}

POINTWISE = frozenset({"Dense", "Conv1D", "SeparableConv1D"})  # activation(what it computes)
CELLS = {"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}
WRAPPERS: dict[str, frozenset[str]] = {
    "Bidirectional": frozenset({"merge_mode"}),
    "TimeDistributed": frozenset(),
}

INITIALIZERS = frozenset(
    "GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal Orthogonal Zeros Ones "
    "Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Identity".split()
)
OPTIMIZERS = frozenset("Adam AdamW Adamax Adadelta Adagrad Ftrl Lion Nadam RMSprop SGD".split())
LOSSES = frozenset(
    "mse mae mape msle mean_squared_error mean_absolute_error huber log_cosh binary_crossentropy "
    "categorical_crossentropy sparse_categorical_crossentropy".split()
)
FROM_LOGITS = {
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}

LARGEST = 200_000  # one integer setting: units, filters, vocabulary
LARGEST_PARAMS = 50_000_000
