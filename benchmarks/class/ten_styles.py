"""Ten ways to write the same work: the course's data cell, a reference's layers and settings.

Enters: an exercise's id. Leaves: the code cells of ten notebooks. Touches nothing.

Data, layers, loss, optimizer, epochs and batches are those of the reference; what they are called,
how they are put together and what is printed are everybody's own. A metric beside the loss would be
another training: it is in the history that comes back.
"""

from __future__ import annotations

from collections.abc import Sequence

STYLES = {
    "list": """
from tensorflow.keras import layers
model = tf.keras.Sequential([
    tf.keras.Input((100, 2)),
    layers.LAYER(30, return_sequences=True),
    layers.LAYER(30),
    layers.Dense(1),
])
model.compile(optimizer='adam', loss='mse')
history = model.fit(X[:2560], Y[:2560], epochs=100, validation_split=0.2, verbose=0)
""",
    "added": """
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Input, LAYER
model = Sequential()
model.add(Input(shape=(100, 2)))
model.add(LAYER(30, return_sequences=True))
model.add(LAYER(30))
model.add(Dense(1))
model.summary()
model.compile(loss='mean_squared_error', optimizer='adam')
history = model.fit(X[:TRAIN], Y[:TRAIN], epochs=100, validation_split=0.2)
""",
    "functional": """
inputs = tf.keras.Input(shape=(STEPS, 2))
hidden = tf.keras.layers.LAYER(30, return_sequences=True)(inputs)
hidden = tf.keras.layers.LAYER(30)(hidden)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(hidden))
model.compile('adam', 'mse')
history = model.fit(X[:TRAIN], Y[:TRAIN], validation_split=0.2, epochs=100)
""",
    "first_layer_has_the_shape": """
model = tf.keras.Sequential([
    tf.keras.layers.LAYER(30, return_sequences=True, input_shape=[100, 2]),
    tf.keras.layers.LAYER(units=30),
    tf.keras.layers.Dense(units=1),
])
model.compile(optimizer='adam', loss='mse')
model.summary()
history = model.fit(X[:2560], Y[:2560], epochs=100, validation_split=0.2, verbose=2)
""",
    "objects": """
import keras
model = keras.Sequential([
    keras.Input((100, 2)),
    keras.layers.LAYER(30, return_sequences=True, name='first'),
    keras.layers.LAYER(30, name='second'),
    keras.layers.Dense(1, name='answer'),
], name='product')
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001),
              loss=keras.losses.MeanSquaredError())
history = model.fit(x=X[:TRAIN], y=Y[:TRAIN], batch_size=32, epochs=100, validation_split=0.2)
""",
    "function": """
def build(units=30):
    made = tf.keras.Sequential()
    made.add(tf.keras.Input((STEPS, 2)))
    for sequences in (True, False):
        made.add(tf.keras.layers.LAYER(units, return_sequences=sequences))
    made.add(tf.keras.layers.Dense(1))
    made.compile(optimizer='adam', loss='mse')
    return made

model = build()
history = model.fit(X[:TRAIN], Y[:TRAIN], epochs=100, validation_split=.2, verbose=0)
plt.plot(history.history['loss'])
plt.show()
""",
    "settings": """
EPOCHS = 100
UNITS = 30
settings = dict(epochs=EPOCHS, validation_split=0.2, batch_size=32, verbose=0)
rnn = tf.keras.layers.LAYER
model = tf.keras.models.Sequential([
    tf.keras.layers.InputLayer(shape=(100, 2)),
    rnn(UNITS, activation='tanh', return_sequences=True), rnn(UNITS, activation='tanh'),
    tf.keras.layers.Dense(1, activation='linear')])
model.compile(optimizer='Adam', loss='MSE')
history = model.fit(X[:TRAIN], Y[:TRAIN], **settings)
""",
    "timed": """
%%time
from tensorflow.keras.layers import *
model = tf.keras.Sequential([Input((100, 2)), LAYER(30, return_sequences=True), LAYER(30),
                             Dense(1)])
model.compile(optimizer='adam', loss='mse')
history = model.fit(X[:TRAIN], Y[:TRAIN], epochs=100, validation_split=0.2)
print(min(history.history['val_loss']))
""",
    "own_names": """
x_train, y_train = X[:TRAIN], Y[:TRAIN]
x_test, y_test = X[TRAIN:], Y[TRAIN:]
model = tf.keras.Sequential([
    tf.keras.Input(x_train.shape[1:]),
    tf.keras.layers.LAYER(30, return_sequences=True),
    tf.keras.layers.LAYER(30, return_sequences=False),
    tf.keras.layers.Dense(1),
])
model.compile(optimizer='adam', loss='mse')
history = model.fit(x_train, y_train, epochs=100, validation_split=0.2, shuffle=True)
print(model.evaluate(x_test, y_test, verbose=0))
""",
    "looked_at_before": """
model = tf.keras.Sequential([
    tf.keras.Input((100, 2)),
    tf.keras.layers.LAYER(30, return_sequences=True),
    tf.keras.layers.LAYER(30),
    tf.keras.layers.Dense(1),
])
model.summary()
print(model.count_params(), model(X[:3].astype('float32')).shape)
model.compile(optimizer='adam', loss='mse')
history = model.fit(X[:TRAIN], Y[:TRAIN], epochs=100, validation_split=0.2)
""",
}
LAYERS = {
    "multiplication-simple-rnn": "SimpleRNN",
    "multiplication-lstm": "LSTM",
    "multiplication-gru": "GRU",
}


def in_ten_styles(exercise: str, reference: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the cells of ten notebooks, from those of the reference: its first are the data."""
    layer = LAYERS[exercise]
    data, _, _, *shown = reference  # without its model, compile and fit
    return [(data, source.strip().replace("LAYER", layer), *shown) for source in STYLES.values()]
