"""Which engine runs a notebook: JAX where it can, TensorFlow where it must."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.code import source
from grader.code.engines import EngineChoice, choose, fixes_seeds, needs_tensorflow
from grader.code.source import read_code, without_magics
from grader.submission import Cell, Notebook
from grader.types import Engine, GraderError, Message
from tests.code.probes.engine_probes import PREAMBLE, PROBES
from tests.support.notebook_files import worded

BOTH = (Engine.JAX, Engine.TENSORFLOW)
IMPORTS = "import numpy as np\nimport tensorflow as tf\nfrom tensorflow.keras.layers import *\n"
ORDINARY = """
%matplotlib inline
!pip install -q keras
from google.colab import files
model = tf.keras.Sequential([tf.keras.layers.LSTM(30, input_shape=(100, 2)), Dense(1)])
model.compile(optimizer='adam', loss='mse', metrics=['mae'])
history = model.fit(X, Y, epochs=2)
print(tf.__version__, tf.config.list_physical_devices('GPU'))
"""


def of(*sources: str) -> Notebook:
    cells = tuple(Cell(number, text) for number, text in enumerate(sources, start=1))
    return Notebook(cells, None, "")


def why(*sources: str) -> str | None:
    reason = needs_tensorflow(of(IMPORTS, *sources))
    return None if reason is None else worded(reason)


# --- what stays on the fast engine ---------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        ORDINARY,
        "x = tf.constant(X).numpy()",
        "x = tf.one_hot(I, 10)\nprint(x.numpy())",
        "ds = tf.data.Dataset.range(9).map(lambda w: tf.cast(w, tf.float32))\nmodel.fit(ds)",
        "def prepare(w): return tf.cast(w, tf.float32)\nds = ds.map(prepare)",
        "for x, y in ds.take(1):\n    print(x.numpy())",
        "tf.random.set_seed(1)",
        "x = tf.random.normal((3, 4))",
        "model.compile(loss=tf.keras.losses.MeanSquaredError(), optimizer=tf.optimizers.Adam())",
        "model.compile(tf.keras.optimizers.Adam(1e-3), 'mse')",
        "model.compile(loss=lambda t, p: (t - p) ** 2)",
        "model.add(Lambda(lambda x: x * 2))",
        "X = X.astype('float64')\nI = np.zeros(3, dtype='int64')",
        "df = pd.DataFrame(x, dtype='float64').to_numpy()",
        "from tensorflow.keras import backend as K\nK.clear_session()\nK.set_floatx('float32')",
        "class C(tf.keras.callbacks.Callback):\n    def on_epoch_end(self, e, logs): print(tf.reduce_mean(logs['loss']))",
        "def f(x: tf.Tensor): return x",
        "plt.plot(history.history['loss'], label='tf.function')",
        "# with tf.GradientTape() as tape:",
        "os.environ['KERAS_BACKEND'] = 'jax'",
    ],
)
def test_an_ordinary_notebook_is_not_sent_away(code):
    assert why(code) is None


# --- what does not -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("with tf.GradientTape() as tape: pass", "only_tensorflow"),
        ("@tf.function\ndef f(x): return x", "only_tensorflow"),
        ("from tensorflow import GradientTape as G\nwith G() as t: pass", "only_tensorflow"),
        ("import tensorflow.compat.v1 as tf1\ntf1.disable_v2_behavior()", "only_tensorflow"),
        ("v = TextVectorization()", "only_tensorflow"),
        ("isinstance(y, tf.Tensor)", "only_tensorflow"),
        ("y = model(x).numpy()", "numpy_on_result"),
        ("y = model(x)\nprint(y[0].numpy())", "numpy_on_result"),
        ("y, state = layer(x)\nprint((y - 1).numpy())", "numpy_on_result"),
        ("model.compile(loss=lambda t, p: tf.reduce_mean(t - p))", "traced"),
        (
            "def rmse(t, p): return K.sqrt(t - p)\nfrom tensorflow.keras import backend as K\nmodel.compile(metrics=[rmse])",
            "traced",
        ),
        ("loss = lambda t, p: tf.abs(t - p)\nmodel.compile('adam', loss)", "traced"),
        ("Dense(1, activation=tf.nn.relu)", "traced"),
        ("layers = tf.keras.layers\nlayers.Lambda(lambda x: tf.reverse(x, [1]))", "traced"),
        ("class A(Layer):\n    def call(self, x): return tf.reduce_sum(x)", "traced"),
        (
            "class A(tf.keras.layers.Layer):\n    def call(self, x): return tf.reduce_sum(x)",
            "traced",
        ),
        ("class M(Model):\n    def train_step(self, data): return {}", "own_step"),
        ("tf.keras.backend.set_floatx('float64')", "double"),
        ("LSTM(3, dtype='float64')", "double"),
        ("keras.layers.Input((3,), dtype=tf.float64)", "double"),
        ("from keras import ops\nops.cast(x, 'int64')", "double"),
        ("os.environ['KERAS_BACKEND'] = 'tensorflow'", "asked_by_notebook"),
    ],
)
def test_what_only_tensorflow_does_right_is_sent_there(code, reason):
    assert why(code) == reason


def test_the_reason_names_the_cell():
    reason = needs_tensorflow(of(IMPORTS, "x = 1", "tf.Variable(1)"))
    assert reason == Message("engines.only_tensorflow", {"cell": 3, "what": "tensorflow.Variable"})


def test_a_name_may_be_imported_in_a_later_cell():
    assert needs_tensorflow(of("t.GradientTape()", "import tensorflow as t")) is not None


def test_a_cell_that_is_no_python_hides_nothing_in_the_others():
    assert why("def broken(:", "tf.Variable(1)") == "only_tensorflow"


def test_too_much_code_to_read_goes_to_tensorflow(monkeypatch):
    monkeypatch.setattr(source, "MAX_SOURCE", 100)
    assert why("x = 1\n" * 100) == "too_long"


# --- IPython -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "%matplotlib inline\ntf.Variable(1)",
        "%%time\ntf.Variable(1)",
        "!pip install x\ntf.Variable(1)",
        "if True:\n    !ls\n    tf.Variable(1)",
        "files = !ls\ntf.Variable(1)",
        "%time tf.Variable(1)",
        "v = %time tf.Variable(1)",
        "for n in range(2):\n    a, b.c = %time tf.Variable(n), n",
        "model.fit?\ntf.Variable(1)",
        "?model\ntf.Variable(1)",
        "x = (5\n % 3)\ntf.Variable(1)",
    ],
)
def test_magics_hide_nothing(text):
    assert why(text) == "only_tensorflow"


def test_another_language_s_cell_is_not_read():
    assert without_magics("%%bash\ntf.Variable(1)") == ""


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("h = %time model.fit(x, y)", "h = model.fit(x, y)"),
        ("  h =%time  f(x)", "  h =f(x)"),
        ("h = %timeit -o f(x)", "h = None"),
        ("files = !ls", "files = None"),
        ("h = %timer x", "h = None"),
    ],
)
def test_what_is_timed_into_a_name_is_read(line, read):
    assert without_magics(line) == read


def test_lines_keep_their_numbers():
    assert without_magics("%a\n!b\nx").split("\n")[2] == "x"


# --- the choice ----------------------------------------------------------------------------------

PLAIN, TAPE = of(IMPORTS, ORDINARY), of(IMPORTS, "tf.GradientTape()")


def chosen(notebook, asked, available) -> EngineChoice:
    return choose(needs_tensorflow(notebook), asked, available)


def test_an_ordinary_notebook_runs_on_jax_and_may_be_run_again():
    choice = chosen(PLAIN, "auto", BOTH)
    assert (choice.engine, choice.reason, choice.may_rerun) == (Engine.JAX, None, True)


def test_one_that_needs_tensorflow_gets_it_with_the_reason():
    choice = chosen(TAPE, "auto", BOTH)
    assert choice.engine is Engine.TENSORFLOW
    assert choice.reason is not None
    assert not choice.may_rerun


def test_without_jax_everything_runs_on_tensorflow():
    choice = chosen(PLAIN, "auto", [Engine.TENSORFLOW])
    assert choice.engine is Engine.TENSORFLOW
    assert choice.reason is not None
    assert worded(choice.reason) == "no_jax"


def test_without_tensorflow_nothing_can_be_run_again_on_it():
    choice = chosen(TAPE, "auto", [Engine.JAX])
    assert (choice.engine, choice.may_rerun) == (Engine.JAX, False)
    assert choice.reason is not None


@pytest.mark.parametrize("engine", BOTH)
def test_the_engine_asked_for_is_the_engine(engine):
    choice = chosen(TAPE, engine.value, BOTH)
    assert (choice.engine, choice.may_rerun) == (engine, False)


@pytest.mark.parametrize(
    ("asked", "available", "reason"),
    [("jax", [Engine.TENSORFLOW], "missing"), ("torch", BOTH, "unknown"), ("auto", [], "none")],
)
def test_an_engine_that_is_not_there_is_an_error(asked, available, reason):
    with pytest.raises(GraderError) as caught:
        chosen(PLAIN, asked, available)
    assert worded(caught.value.message) == reason


# --- seeds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed",
    [
        "np.random.seed(0)",
        "tf.random.set_seed(seed=7)",
        "tf.keras.utils.set_random_seed(1)",
        "import keras\nkeras.utils.set_random_seed(1)",
        "from keras.utils import set_random_seed\nset_random_seed(1)",
        "import random\nrandom.seed(5)",
        "from numpy.random import seed\nseed(1)",
        "SEED = 3\nnp.random.seed(SEED)",
        "def reset():\n    np.random.seed(1)\nreset()",
    ],
)
def test_a_constant_seed_before_a_fit_fixes_the_run(seed):
    assert fixes_seeds(of(IMPORTS, seed, "model.fit(X, Y)"))


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "np.random.seed()",
        "np.random.seed(None)",
        "np.random.seed(int(time.time()))",
        "rng = np.random.default_rng(0)",
        "'np.random.seed(0)'",
    ],
)
def test_what_does_not_fix_the_model_s_numbers_does_not_count(code):
    assert not fixes_seeds(of(IMPORTS, code, "model.fit(X, Y)"))


def test_a_seed_after_the_last_training_changes_nothing():
    assert not fixes_seeds(of(IMPORTS, "model.fit(X, Y)", "np.random.seed(0)"))


def test_a_seed_between_two_trainings_counts():
    assert fixes_seeds(of(IMPORTS, "m.fit(X, Y)\nnp.random.seed(0)\nm.fit(X, Y)"))


def test_nothing_is_fixed_where_nothing_is_trained():
    assert not fixes_seeds(of(IMPORTS, "np.random.seed(0)"))


# --- whatever comes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deep",
    [
        "not " * 100_000,
        "-" * 200_000,
        "1 if 1 else " * 30_000,
        "lambda:" * 60_000,
        "1**" * 100_000,
        "a" + ".a" * 200_000,
        "(" * 10_000,
    ],
    ids=lambda text: text[:6],
)
def test_endless_nesting_is_not_read_even_on_a_small_stack(deep):
    answers: list[bool] = []
    before = threading.stack_size(512 * 1024)  # what a thread has on macOS
    try:
        thread = threading.Thread(target=lambda: answers.append(fixes_seeds(of(deep + "1"))))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert answers == [deep[0] != "("]  # in doubt yes; so many brackets are no Python at all


def test_a_student_s_warnings_are_not_ours():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert why("re.match('\\d', x) is 5") is None


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_text_has_an_engine(sources):
    assert chosen(of(*sources), "auto", BOTH).engine in BOTH


WORDS = st.sampled_from(
    [
        "tf",
        ".",
        "keras",
        "(",
        ")",
        "=",
        "lambda x:",
        "model",
        "numpy()",
        "\n",
        "%",
        "!",
        "    ",
        "def f():",
        "[",
        "]",
        "class A(Layer):",
        "1",
    ]
)


@given(st.lists(WORDS, max_size=12).map("".join))
def test_any_code_has_an_engine(text):
    notebook = of(IMPORTS, text)
    read_code(notebook)
    assert chosen(notebook, "auto", BOTH).engine in BOTH


# --- measured ------------------------------------------------------------------------------------

PROBE_PROGRAM = Path(__file__).parent / "probes" / "engine_probes.py"
# A 64-bit number that appears in no type and no literal; no reading of the code can see it.
SILENT = {"large_int_ops"}
SHORT = [name for place, name in enumerate(PROBES) if place % 3 == 0 or name == "hidden_by_try"]


def outcomes(engine: Engine, probes: list[str]) -> dict[str, dict[str, object]]:
    environment = os.environ | {
        "KERAS_BACKEND": engine.value,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, str(PROBE_PROGRAM), *probes]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def measured(whole: bool) -> dict[Engine, dict[str, dict[str, object]]]:
    """What came of the probes on each engine: of every third one without ``--whole``."""
    probes = list(PROBES) if whole else SHORT
    with ThreadPoolExecutor() as pool:
        return dict(zip(BOTH, pool.map(outcomes, BOTH, [probes, probes]), strict=True))


def gated(name: str) -> bool:
    return needs_tensorflow(of(PREAMBLE, PROBES[name])) is not None


@pytest.mark.real
def test_most_of_the_probes_run_on_both_engines(measured):
    for engine in BOTH:
        assert sum(bool(one["ok"]) for one in measured[engine].values()) > 0.7 * len(
            measured[engine]
        )


@pytest.mark.real
def test_what_differs_silently_on_jax_is_sent_to_tensorflow(measured):
    jax, tensorflow = measured[Engine.JAX], measured[Engine.TENSORFLOW]
    silent = {name for name, one in jax.items() if one["ok"] and one != tensorflow[name]}
    assert "hidden_by_try" in silent  # the rule is about something
    assert {name for name in silent if not gated(name)} <= SILENT


@pytest.mark.real
def test_what_jax_lacks_fails_loudly_and_most_of_it_is_known_beforehand(measured):
    jax, tensorflow = measured[Engine.JAX], measured[Engine.TENSORFLOW]
    lacking = {name for name, one in jax.items() if not one["ok"] and tensorflow[name]["ok"]}
    assert len(lacking) > len(jax) / 8
    assert sum(map(gated, lacking)) > 0.9 * len(lacking)


@pytest.mark.real
def test_what_runs_on_jax_is_seldom_sent_away(measured, whole):
    jax, tensorflow = measured[Engine.JAX], measured[Engine.TENSORFLOW]
    same = {name for name, one in jax.items() if one["ok"] and one == tensorflow[name]}
    # A third of the probes has another share of them than all have: 4 of 39 were seen.
    assert sum(map(gated, same)) < (0.1 if whole else 0.15) * len(same)
