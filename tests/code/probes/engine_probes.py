"""What recurrent-network notebooks do with Keras and TensorFlow, in pieces for both engines.

Each probe is the code of a notebook cell; ``result``, where it sets one, must not depend on the engine.
As a program it runs the probes it is given, or all, on the engine in KERAS_BACKEND and prints what
came out as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

PREAMBLE = """
import numpy as np
import tensorflow as tf
from tensorflow.keras.models import Sequential, Model
from tensorflow.keras.layers import *
rng = np.random.default_rng(0)
X = rng.random((16, 6, 2))
Y = rng.random(16)
I = rng.integers(1, 9, (16, 6))
B = (Y > .5).astype(int)
def small(cell=SimpleRNN):
    model = Sequential([Input((6, 2)), cell(3), Dense(1)])
    model.compile(loss='mse', optimizer='adam')
    return model
"""

FIT = "model.fit(X, Y, epochs=1, verbose=0)"

PROBES: dict[str, str] = {
    # --- what every notebook does
    "sequential_rnn": f"model = small(); {FIT}; result = str(model.predict(X, verbose=0).shape)",
    "lstm": f"model = small(LSTM); {FIT}; result = model.count_params()",
    "gru": f"model = small(GRU); {FIT}; result = model.count_params()",
    "summary": "small().summary()",
    "evaluate": "model = small(); result = type(model.evaluate(X, Y, verbose=0)).__name__",
    "history_keys": "model = small(); h = model.fit(X, Y, validation_split=.25, verbose=0); result = sorted(h.history)",
    "history_type": "model = small(); h = model.fit(X, Y, verbose=0); result = type(h.history['loss'][0]).__name__",
    "predict_type": "result = str((type(small().predict(X, verbose=0)), small().predict(X, verbose=0).dtype))",
    "get_weights": "model = small(); result = [str(w.dtype) + str(w.shape) for w in model.get_weights()]",
    "functional": f"i = Input((6, 2)); h = LSTM(3, return_sequences=True)(i); o = Dense(1)(LSTM(3)(h)); model = Model(i, o); model.compile(loss='mae', optimizer='rmsprop'); {FIT}",
    "time_distributed": "i = Input((6, 2)); o = TimeDistributed(Dense(4, activation='softmax'))(SimpleRNN(3, return_sequences=True)(i)); model = Model(i, o); model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy']); model.fit(X, np.eye(4)[I % 4], verbose=0)",
    "embedding_lstm": "model = Sequential([Embedding(10, 4), LSTM(3), Dense(1, activation='sigmoid')]); model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['acc']); model.fit(I, B, verbose=0)",
    "embedding_mask_zero": "model = Sequential([Embedding(10, 4, mask_zero=True), LSTM(3), Dense(1, activation='sigmoid')]); model.compile(loss='binary_crossentropy', optimizer='adam'); model.fit(I, B, verbose=0)",
    "masking": f"model = Sequential([Masking(input_shape=(6, 2)), GRU(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "bidirectional": f"model = Sequential([Bidirectional(GRU(3), input_shape=(6, 2)), Dense(1)]); model.compile(loss='mae', optimizer='adam'); {FIT}",
    "recurrent_dropout": f"model = Sequential([GRU(3, dropout=.2, recurrent_dropout=.2, input_shape=(6, 2)), Dense(1)]); model.compile(loss='mae', optimizer='adam'); {FIT}",
    "conv1d": f"model = Sequential([Conv1D(3, 3, activation='relu', input_shape=(6, 2)), MaxPooling1D(2), GRU(3), Dense(1)]); model.compile(loss='mae', optimizer='adam'); {FIT}",
    "global_pool": "model = Sequential([Embedding(10, 4), Conv1D(3, 3), GlobalMaxPooling1D(), Dense(1)]); model.compile(loss='binary_crossentropy', optimizer='adam'); model.fit(I, B, verbose=0)",
    "rnn_cell": f"model = Sequential([Input((6, 2)), RNN(GRUCell(3)), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "return_state": "i = Input((6, 2)); o, h, c = LSTM(3, return_state=True)(i); result = [tuple(t.shape) for t in (o, h, c)].__repr__()",
    "initial_state": f"i = Input((6, 2)); o, h, c = LSTM(3, return_state=True)(i); d = LSTM(3)(i, initial_state=[h, c]); model = Model(i, Dense(1)(d)); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "stateful": "model = Sequential([Input((6, 2), batch_size=4), LSTM(3, stateful=True), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, batch_size=4, shuffle=False, verbose=0); model.layers[0].reset_states()",
    "sparse_labels": "model = Sequential([Embedding(10, 4), LSTM(3), Dense(3, activation='softmax')]); model.compile(loss='sparse_categorical_crossentropy', optimizer='adam', metrics=['accuracy']); model.fit(I, I[:, 0] % 3, verbose=0)",
    "callbacks": "model = small(); model.fit(X, Y, epochs=2, validation_split=.25, callbacks=[tf.keras.callbacks.EarlyStopping(patience=1), tf.keras.callbacks.ReduceLROnPlateau()], verbose=0)",
    "custom_callback": "class C(tf.keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None): self.seen = float(logs['loss'])\nc = C(); small().fit(X, Y, callbacks=[c], verbose=0); result = type(c.seen).__name__",
    "checkpoint": "import tempfile; model = small(); model.fit(X, Y, callbacks=[tf.keras.callbacks.ModelCheckpoint(tempfile.mkdtemp() + '/m.keras')], verbose=0)",
    "save_load_keras": "import tempfile; p = tempfile.mkdtemp() + '/m.keras'; m = small(); m.save(p); result = tf.keras.models.load_model(p).count_params()",
    "save_load_h5": "import tempfile; p = tempfile.mkdtemp() + '/m.h5'; m = small(); m.save(p); m.save_weights(p.replace('.h5', '.weights.h5'))",
    "optimizer_lr": "model = small(); model.compile(loss='mse', optimizer=tf.keras.optimizers.Adam(learning_rate=.01)); result = round(float(model.optimizer.learning_rate), 4)",
    "schedule": "model = small(); model.compile(loss='mse', optimizer=tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.ExponentialDecay(.01, 10, .9))); model.fit(X, Y, verbose=0)",
    "generator": "def g():\n    while True: yield X[:4], Y[:4]\nsmall().fit(g(), steps_per_epoch=2, verbose=0)",
    "generator_validation": "def g():\n    while True: yield X[:4], Y[:4]\nsmall().fit(g(), steps_per_epoch=2, validation_data=g(), validation_steps=1, verbose=0)",
    "keras_sequence": "class S(tf.keras.utils.Sequence):\n    def __len__(self): return 2\n    def __getitem__(self, i): return X[:4], Y[:4]\nsmall().fit(S(), verbose=0)",
    "to_categorical": "result = str(tf.keras.utils.to_categorical(B).dtype)",
    "pad_sequences": "from tensorflow.keras.preprocessing.sequence import pad_sequences; result = str(pad_sequences([[1], [1, 2]], maxlen=3).tolist())",
    "tokenizer": "from tensorflow.keras.preprocessing.text import Tokenizer; t = Tokenizer(); t.fit_on_texts(['a b a']); result = str(t.texts_to_sequences(['a b']))",
    "timeseries_dataset": "d = tf.keras.utils.timeseries_dataset_from_array(X[:, 0], Y, sequence_length=6, batch_size=4); small().fit(d, verbose=0)",
    "train_on_batch": "result = type(small().train_on_batch(X, Y)).__name__",
    "layer_weights": "model = small(); result = model.layers[0].get_weights()[0].shape.__repr__()",
    "layer_output_model": "model = small(); result = str(Model(model.inputs, model.layers[0].output).predict(X, verbose=0).shape)",
    "clear_session": "tf.keras.backend.clear_session(); small()",
    "set_random_seed": "tf.keras.utils.set_random_seed(1)",
    "tf_set_seed": "tf.random.set_seed(1)",
    "gpu_list": "result = str(type(tf.config.list_physical_devices('GPU')))",
    "memory_growth": "for g in tf.config.list_physical_devices('GPU'): tf.config.experimental.set_memory_growth(g, True)",
    "plot_model": "from tensorflow.keras.utils import plot_model",
    "custom_loss_mean": "model = small(); model.compile(loss=lambda t, p: (t - p) ** 2, optimizer='adam'); model.fit(X, Y, verbose=0)",
    "custom_loss_ops": "from keras import ops; model = small(); model.compile(loss=lambda t, p: ops.mean(ops.abs(t - p)), optimizer='adam'); model.fit(X, Y, verbose=0)",
    "lambda_plain": f"model = Sequential([Input((6, 2)), Lambda(lambda x: x * 2), LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "numpy_callable": "result = str(np.asarray(small()(X)).shape)",
    "standalone_keras": "import keras; from keras.models import Sequential as S; from keras.layers import LSTM as L; result = keras.__version__ > '3'",
    "lists_to_fit": "small().fit(X.tolist(), Y.tolist(), verbose=0)",
    "dtype_int_labels": "small().fit(X, B, verbose=0)",
    "float32_input": "small().fit(X.astype('float32'), Y.astype('float32'), verbose=0)",
    "subclass_plain": "class M(Model):\n    def __init__(self): super().__init__(); self.a = LSTM(3); self.b = Dense(1)\n    def call(self, x): return self.b(self.a(x))\nmodel = M(); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, verbose=0)",
    "custom_layer_keras_ops": "from keras import ops\nclass A(Layer):\n    def call(self, x): return ops.mean(x, axis=1)\nmodel = Sequential([Input((6, 2)), LSTM(3, return_sequences=True), A(), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, verbose=0)",
    "attention": f"i = Input((6, 2)); h = LSTM(3, return_sequences=True)(i); a = Attention()([h, h]); model = Model(i, Dense(1)(GlobalAveragePooling1D()(a))); model.compile(loss='mse', optimizer='adam'); {FIT}",
    # --- TensorFlow for preparing data
    "tf_constant_input": "small().fit(tf.constant(X), tf.constant(Y), verbose=0)",
    "tf_constant_numpy": "result = str(tf.constant(X).numpy().dtype)",
    "convert_to_tensor_input": "small().fit(tf.convert_to_tensor(X, dtype=tf.float32), tf.convert_to_tensor(Y), verbose=0)",
    "tf_one_hot_input": "model = Sequential([Input((6, 10)), LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(tf.one_hot(I, 10), Y, verbose=0)",
    "tf_predict_tensor": "result = str(small().predict(tf.constant(X), verbose=0).shape)",
    "dataset_batch": "small().fit(tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(16).batch(4).prefetch(1), epochs=2, verbose=0)",
    "dataset_repeat": "small().fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).repeat(), steps_per_epoch=3, verbose=0)",
    "dataset_window": "d = tf.data.Dataset.range(20).window(7, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(7)).map(lambda w: (tf.cast(w[:-1, None] * [1, 1], tf.float32), w[-1])).batch(4); small().fit(d, verbose=0)",
    "dataset_map_random": "d = tf.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x + tf.random.normal([6, 2], dtype=x.dtype), y)).batch(4); small().fit(d, verbose=0)",
    "tf_random_data": "x = tf.random.uniform((16, 6, 2)); small().fit(x, Y, verbose=0)",
    "tf_random_data_numpy": "x = tf.random.normal((16, 6, 2)).numpy(); small().fit(x, Y, verbose=0)",
    "tf_math_on_predictions": "result = type(float(tf.reduce_mean(tf.abs(small().predict(X, verbose=0)[:, 0] - Y)))).__name__",
    "tf_argmax_predictions": "result = str(tf.argmax(small().predict(X, verbose=0), axis=-1).numpy().shape)",
    "keras_metric_object": "m = tf.keras.metrics.MeanSquaredError(); m.update_state(Y, Y); result = round(float(m.result()), 4)",
    "keras_loss_object": "result = round(float(tf.keras.losses.MeanSquaredError()(Y, Y + 1)), 4)",
    # --- results of calling a model
    "call_numpy": "result = str(small()(X).numpy().shape)",
    "call_numpy_variable": "out = small()(X)\nresult = str(out.numpy().shape)",
    "layer_call_numpy": "result = str(LSTM(3)(X.astype('float32')).numpy().shape)",
    "call_tf_function_of_output": "result = str(tf.reduce_mean(small()(X)).numpy().shape)",
    "call_tf_argmax": "result = str(tf.argmax(small()(X), axis=-1).shape)",
    "tensor_call": "result = str(np.asarray(small()(tf.constant(X, dtype=tf.float32))).shape)",
    "loss_object_numpy": "result = float(tf.keras.losses.MeanSquaredError()(Y, Y + 1).numpy())",
    "metric_result_numpy": "m = tf.keras.metrics.Mean(); m.update_state(1.); result = float(m.result().numpy())",
    "weights_numpy": "result = str(small().weights[0].numpy().shape)",
    "lr_numpy": "result = round(float(small().optimizer.learning_rate.numpy()), 4)",
    "embedding_weights_numpy": "e = Embedding(10, 4); e.build((None, 6)); result = str(e.embeddings.numpy().shape)",
    "backend_get_value": "result = round(float(tf.keras.backend.get_value(small().optimizer.learning_rate)), 4)",
    # --- what needs a graph
    "gradient_tape": "model = small()\nwith tf.GradientTape() as t:\n    loss = tf.reduce_mean((model(X)[:, 0] - Y) ** 2)\ng = t.gradient(loss, model.trainable_variables)\nmodel.optimizer.apply_gradients(zip(g, model.trainable_variables))\nresult = all(v is not None for v in g)",
    "tf_function": "model = small()\n@tf.function\ndef f(x): return model(x)\nresult = str(f(tf.constant(X, dtype=tf.float32)).shape)",
    "train_step": "class M(tf.keras.Model):\n    def train_step(self, data):\n        x, y = data\n        with tf.GradientTape() as t: loss = self.compute_loss(y=y, y_pred=self(x, training=True))\n        self.optimizer.apply_gradients(zip(t.gradient(loss, self.trainable_variables), self.trainable_variables)); return {'loss': loss}\ni = Input((6, 2)); model = M(i, Dense(1)(LSTM(3)(i))); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, verbose=0)",
    "tf_op_in_lambda": f"model = Sequential([Input((6, 2)), Lambda(lambda x: tf.reduce_mean(x, axis=1)), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_op_in_functional": f"i = Input((6, 2)); h = tf.expand_dims(LSTM(3)(i), -1); model = Model(i, Dense(1)(Flatten()(h))); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_op_in_loss": "model = small(); model.compile(loss=lambda t, p: tf.reduce_mean(tf.abs(t - p)), optimizer='adam'); model.fit(X, Y, verbose=0)",
    "tf_op_in_metric": "model = small()\ndef within(t, p): return tf.reduce_mean(tf.cast(tf.abs(t - p) < .04, tf.float32))\nmodel.compile(loss='mse', optimizer='adam', metrics=[within]); model.fit(X, Y, verbose=0)",
    "tf_op_in_layer": "class A(Layer):\n    def call(self, x): return tf.reduce_sum(x, axis=1)\nmodel = Sequential([Input((6, 2)), LSTM(3, return_sequences=True), A(), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, verbose=0)",
    "tf_nn_activation": f"model = Sequential([Input((6, 2)), LSTM(3), Dense(1, activation=tf.nn.relu)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_tanh_activation": f"model = Sequential([Input((6, 2)), LSTM(3, activation=tf.tanh), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_initializer": f"model = Sequential([Input((6, 2)), LSTM(3, kernel_initializer=tf.keras.initializers.GlorotUniform(1)), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_compat_initializer": f"model = Sequential([Input((6, 2)), LSTM(3), Dense(1, kernel_initializer=tf.random_uniform_initializer())]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "backend_ops_in_loss": "from tensorflow.keras import backend as K; model = small(); model.compile(loss=lambda t, p: K.mean(K.square(t - p)), optimizer='adam'); model.fit(X, Y, verbose=0)",
    "backend_learning_phase": "from tensorflow.keras import backend as K; K.set_value(small().optimizer.learning_rate, .1)",
    "text_vectorization": "v = TextVectorization(output_mode='int', output_sequence_length=4); v.adapt(['a b', 'b c']); result = str(np.asarray(v(['a c'])).tolist())",
    "text_vectorization_in_model": "v = TextVectorization(output_mode='int', output_sequence_length=4); v.adapt(['a b', 'b c']); model = Sequential([Input((1,), dtype='string'), v, Embedding(10, 4), LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(tf.constant([['a b'], ['b c']]), np.array([0., 1.]), verbose=0)",
    "string_lookup": "s = StringLookup(vocabulary=['a', 'b']); result = str(np.asarray(s(['a', 'b', 'z'])).tolist())",
    "string_lookup_map": "s = StringLookup(vocabulary=['a', 'b']); d = tf.data.Dataset.from_tensor_slices(['a', 'b']).map(s); result = str([int(v) for v in d])",
    "integer_lookup": "s = IntegerLookup(vocabulary=[3, 5]); result = str(np.asarray(s(np.array([3, 5, 9]))).tolist())",
    "normalization_adapt": "n = Normalization(); n.adapt(X); result = str(np.asarray(n(X)).shape)",
    "normalization_in_model": f"n = Normalization(); n.adapt(X); model = Sequential([Input((6, 2)), n, LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "tf_variable": "v = tf.Variable(1.); v.assign_add(1.); result = float(v)",
    "tf_variable_in_layer": "class A(Layer):\n    def build(self, s): self.w = tf.Variable(tf.ones((2, 1)))\n    def call(self, x): return tf.matmul(x, self.w)\nmodel = Sequential([Input((6, 2)), A(), LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(X, Y, verbose=0); result = len(model.trainable_weights)",
    "saved_model": "import tempfile; tf.saved_model.save(small(), tempfile.mkdtemp())",
    "model_export": "import tempfile; small().export(tempfile.mkdtemp())",
    "tf_train_checkpoint": "import tempfile; tf.train.Checkpoint(model=small()).save(tempfile.mkdtemp() + '/c')",
    "save_weights_tf": "import tempfile; small().save_weights(tempfile.mkdtemp() + '/c')",
    "distribute": "with tf.distribute.MirroredStrategy().scope(): model = small()\nmodel.fit(X, Y, verbose=0)",
    "device_scope": "with tf.device('/CPU:0'):\n    model = small(); model.fit(X, Y, verbose=0)",
    "run_eagerly": "model = small(); model.compile(loss='mse', optimizer='adam', run_eagerly=True); model.fit(X, Y, verbose=0)",
    "run_functions_eagerly": "tf.config.run_functions_eagerly(True); small().fit(X, Y, verbose=0); tf.config.run_functions_eagerly(False)",
    "jit_compile": "model = small(); model.compile(loss='mse', optimizer='adam', jit_compile=True); model.fit(X, Y, verbose=0)",
    "mixed_precision": "tf.keras.mixed_precision.set_global_policy('float32'); small()",
    "floatx64": "tf.keras.backend.set_floatx('float64')\ntry:\n    model = small(); model.fit(X, Y, verbose=0); result = str(model.get_weights()[0].dtype)\nfinally: tf.keras.backend.set_floatx('float32')",
    "dtype_float64_layer": "model = Sequential([Input((6, 2), dtype='float64'), LSTM(3, dtype='float64'), Dense(1, dtype='float64')]); model.compile(loss='mse', optimizer='adam'); result = str(model.predict(X, verbose=0).dtype)",
    "int64_output": "from keras import ops; result = str(np.asarray(ops.argmax(np.eye(3), -1)).dtype)",
    "large_int_ops": "from keras import ops; result = int(np.asarray(ops.convert_to_tensor(np.array([2**40]))).sum())",
    "isinstance_tensor": "result = bool(tf.is_tensor(small()(X)))",
    "eager_tensor_item": "result = type(small()(X)[0][0].numpy().item()).__name__",
    "shape_as_list": "result = small()(X).shape.as_list()",
    "shape_list": "result = small()(X).get_shape().as_list()",
    "output_iteration": "result = len([float(v[0]) for v in small()(X)])",
    "sample_categorical": "p = small().predict(X, verbose=0); result = str(tf.random.categorical(tf.constant(np.ones((1, 4))), 1).shape)",
    "sample_categorical_from_call": "p = small()(X); result = str(tf.random.categorical(p, num_samples=1)[-1, 0].numpy().shape)",
    "custom_train_loop_keras": "model = small(); losses = [model.train_on_batch(X, Y) for _ in range(2)]; result = len(losses)",
    "add_metric_counter": "class M(tf.keras.metrics.Metric):\n    def __init__(self): super().__init__(name='c'); self.n = self.add_weight(name='n', initializer='zeros')\n    def update_state(self, t, p, sample_weight=None): self.n.assign_add(tf.reduce_sum(tf.cast(tf.abs(t - p) < .04, tf.float32)))\n    def result(self): return self.n\nmodel = small(); model.compile(loss='mse', optimizer='adam', metrics=[M()]); model.fit(X, Y, verbose=0)",
    "ragged_input": "model = Sequential([Embedding(10, 4), LSTM(3), Dense(1)]); model.compile(loss='mse', optimizer='adam'); model.fit(tf.ragged.constant([[1, 2], [1, 2]]).to_tensor(), np.array([0., 1.]), verbose=0)",
    "feature_tf_split": "a, b = tf.split(tf.constant(X), 2, axis=2); small().fit(tf.concat([a, b], 2), Y, verbose=0)",
    "zero_state_lstm_cell": "c = LSTMCell(3); o, s = c(tf.ones((4, 2)), [tf.zeros((4, 3)), tf.zeros((4, 3))]); result = str(np.asarray(o).shape)",
    "rnn_layer_on_tensor": "o = SimpleRNN(3, return_sequences=True)(tf.ones((4, 6, 2))); result = str(np.asarray(o).shape)",
    "rnn_layer_on_tensor_print": "o, h = SimpleRNN(3, return_sequences=True, return_state=True)(tf.ones((4, 6, 2))); print(o.numpy(), h.numpy())",
    "tf_keras_ops_numpy_mix": "out = small()(X); result = str((out - Y[:, None]).shape)",
    "tf_minus_output": "out = small()(X); result = str((tf.constant(Y[:, None], dtype=tf.float32) - out).shape)",
    "numpy_of_difference": "out = small()(X)\nresult = str((out - 1.).numpy().shape)",
    "numpy_of_row": "result = str(small()(X)[0].numpy().shape)",
    "dataset_element_numpy": "for x, y in tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).take(1): result = str((x.numpy().shape, y.numpy().dtype))",
    "next_iter_numpy": "x, y = next(iter(tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)))\nresult = str(x.numpy().shape)",
    "hidden_by_try": "out = small()(X)\ntry:\n    result = str(out.numpy().shape)\nexcept AttributeError:\n    result = 'something else'",
    "isinstance_tf_tensor": "result = isinstance(small()(X), tf.Tensor)",
    "lambda_backend_ops": f"from tensorflow.keras import backend as K; model = Sequential([Input((6, 2)), Lambda(lambda x: K.sum(x, axis=1)), Dense(1)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "activation_layer_tf": f"model = Sequential([Input((6, 2)), LSTM(3), Dense(1), Activation(tf.sigmoid)]); model.compile(loss='mse', optimizer='adam'); {FIT}",
    "metric_from_closure": "def make(limit):\n    def within(t, p): return tf.reduce_mean(tf.cast(tf.abs(t - p) < limit, tf.float32))\n    return within\nmodel = small(); model.compile('adam', 'mse', metrics=[make(.04)]); model.fit(X, Y, verbose=0)",
    "keras_ops_int64": "from keras import ops; result = str(np.asarray(ops.cast(np.array([2 ** 40]), 'int64')))",
    "tf_optimizers_alias": f"model = small(); model.compile(loss=tf.losses.MeanSquaredError(), optimizer=tf.optimizers.Adam(), metrics=[tf.metrics.MeanAbsoluteError()]); {FIT}",
    "text_split": "result = str([t.decode() for t in tf.strings.split(tf.constant('a b c')).numpy()])",
    "gather_windows": "x = tf.gather(tf.constant(X), [0, 1, 2]).numpy(); result = str(x.shape)",
    "one_hot_numpy": "x = tf.one_hot(I, 10).numpy(); result = str(x.shape)",
    "nn_softmax_on_numpy": "result = str(tf.nn.softmax(small().predict(X, verbose=0)).numpy().shape)",
    "layer_kernel_numpy": "result = str(small().layers[0].cell.kernel.numpy().shape)",
    "grouped_adapt_dataset": "n = Normalization(); n.adapt(tf.data.Dataset.from_tensor_slices(X).batch(4)); result = str(np.asarray(n.mean).shape)",
    "history_after_two_fits": "model = small(); model.fit(X, Y, verbose=0); h = model.fit(X, Y, epochs=2, verbose=0); result = len(h.history['loss'])",
    "threads_config": "tf.config.set_soft_device_placement(True)",
    "clone_model": "result = tf.keras.models.clone_model(small()).count_params()",
    "set_weights": "m = small(); m.set_weights([w * 0 for w in m.get_weights()]); result = float(m.predict(X, verbose=0).sum())",
    "model_to_json": "result = len(tf.keras.models.model_from_json(small().to_json()).layers)",
    # --- last, for nothing on TensorFlow works after it
    "compat_v1_session": "tf.compat.v1.disable_eager_execution(); x = tf.compat.v1.placeholder(tf.float32)",
}


def run(names: list[str]) -> dict[str, dict[str, object]]:
    """Run these probes; a failure is its exception's name and first words."""
    found: dict[str, dict[str, object]] = {}
    for name in names:
        code = PROBES[name]
        space: dict[str, object] = {}
        try:
            exec(compile(PREAMBLE + "\n" + code, name, "exec"), space)
            found[name] = {"ok": True, "result": space.get("result")}
        except Exception as error:  # noqa: BLE001
            last = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
            found[name] = {"ok": False, "error": last[:160]}
    return found


if __name__ == "__main__":
    real, sys.stdout = sys.stdout, sys.stderr
    outcome = run(sys.argv[1:] or list(PROBES))
    import keras

    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
    json.dump(outcome, real, default=str)
