"""Python sources that nobody would write, and that somebody may hand in.

Enters: a source and a ``random.Random``. Leaves: a source. Touches nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.fuzz.mutate import odd_text

SNIPPETS = (
    *("%%time\n", "%matplotlib inline\n", "!pip install x\n", "x = !ls\n", "model?\n", "\\\n"),
    *("'''", '"""', "f'{", "(", "[", "lambda: ", "def f(\n", "class M(keras.Model):\n  pass\n"),
    *("model(x).numpy()\n", "tf.function\n", "np.random.seed(1)\n", "model.fit(x[:9], y)\n"),
    *(
        "import tensorflow as tf\n",
        "from keras import *\n",
        "import a as b, b as a\n",
        "\t",
        "\x0c",
    ),
    *(
        "np.random.shuffle(x)\n",
        "abs(a - b < .4)\n",
        "#model.fit(x)\n",
        "\x00",
        "\ufeff",
        "가 = 1\n",
    ),
    *(
        "match x:\n case {**r}: pass\n",
        "async def f(): await x\n",
        "os.environ['KERAS_BACKEND']='x'\n",
    ),
    *("model.predict(x[:9])\n", "x: int = 1\n", "x, *y = z\n", "del x\n", "global x\n", "0777\n"),
)
SIZES = (3, 50, 700, 3000)  # how often something is repeated
MANY = 20_000


def change(source: str, rng: random.Random) -> str:
    """Put something odd into a source, or in its place."""
    kind = rng.random()
    if kind < 0.5:
        for _ in range(rng.randint(1, 4)):
            at = rng.randint(0, len(source))
            source = source[:at] + rng.choice((rng.choice(SNIPPETS), odd_text(rng))) + source[at:]
        return source
    if kind < 0.7:
        a, b = sorted((rng.randint(0, len(source)), rng.randint(0, len(source))))
        return source[:a] + source[b:]
    if kind < 0.95:
        return source + "\n" + rng.choice(_NESTED)(rng.choice(SIZES))
    return source + "\n" + rng.choice(_LONG)(rng.choice((50, 2000, MANY)))


# Deep: what recursion has to survive.
_NESTED: tuple[Callable[[int], str], ...] = (
    lambda n: "x = " + "-" * n + "1",
    lambda n: "x = " + "not " * n + "y",
    lambda n: "x = (" + "a + " * n + "model(b)).numpy()",
    lambda n: "x = " + "(" * n + "a" + ")" * n,
    lambda n: "x = " + "[" * n + "]" * n,
    lambda n: "x = a" + ".b" * n,
    lambda n: "x = a" + "[0]" * n + ".numpy()",
    lambda n: "x = a" + "()" * n + ".numpy()",
    lambda n: "x = " + "lambda: " * n + "1",
    lambda n: "x = " + "a if b else " * n + "c",
    lambda n: "".join(f"{' ' * i}if x:\n" for i in range(min(n, 200))) + " " * 200 + "y",
    lambda n: "if x: pass\n" + "elif x: pass\n" * n,
    lambda n: "model.fit(" + "f(" * n + "x" + ")" * n + ")",
    lambda n: "model.fit((" + "a+" * n + "a)[:9], y)\nmodel.predict((" + "a+" * n + "a)[:9])",
    lambda n: "abs(" + "a - " * n + "b < .4)",
    lambda n: "x = " + "{" * n + "}" * n,
    lambda n: "x = f'" + "{x:" * min(n, 50) + "}" * min(n, 50) + "'",
    lambda n: "x" + "=x" * n,
)
# Long: what each pair, or each of each, would take for ever.
_LONG: tuple[Callable[[int], str], ...] = (
    lambda n: "\n".join(f"name_{i} = value_{i * 7919 % n}" for i in range(n)),
    lambda n: "def loss(): tf.x\n" * n + "model.compile(" + "loss, " * n + ")",
    lambda n: "def f(): f\n" * n + "Lambda(" + "f, " * n + ")",
    lambda n: "import tensorflow as tf\n" + "tf = tf.keras\n" * n,
    lambda n: "from a import " + ", ".join(f"b{i}" for i in range(n)),
    lambda n: "np.random.shuffle(x)\n" * n,
    lambda n: "x = np.abs(a - b)\n" * n + "x < .4\n" * n,
    lambda n: "def f():\n  model.fit(x)\n" * (n // 4),
    lambda n: "class A(keras.Model):\n  def call(self): return x\n" * (n // 8),
    lambda n: "model.fit(x[:9], y)\nmodel.predict(x[:9])\n" * (n // 4),
    lambda n: "\n".join(f"#model.fit(x{i})" for i in range(n)),
    lambda n: "%time " * n,
    lambda n: "a" * (n * 20) + "?",
    lambda n: "!pip install " + "x " * n,
    lambda n: "isinstance(x, tf.Tensor)\n" * n,
    lambda n: "isinstance(" * 90 + "x" + ", y)" * 90 + "\n" + "isinstance(x, y)\n" * n,
    lambda n: " " * n + "%x\n" + "\t" * n + "!",
    lambda n: "x = '" + "\\" * n + "'",
    lambda n: "1" * n,
)
