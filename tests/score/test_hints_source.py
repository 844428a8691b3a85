"""What the code alone shows: one test per mistake, one per sound way of writing the same thing."""

from __future__ import annotations

import textwrap

import pytest

from grader.score.hints_runs import diagnose_source
from grader.submission import Cell, Notebook
from grader.types import Message

USED = "model.fit(X[:2560], Y[:2560])\nmodel.evaluate(X[2560:], Y[2560:])"


def notebook(*sources: str) -> Notebook:
    cells = tuple(Cell(i, textwrap.dedent(text)) for i, text in enumerate(sources, start=1))
    return Notebook(cells, None, repr(cells))


def found(*sources: str) -> list[str]:
    return [message.id for message in diagnose_source(notebook(*sources))]


def test_a_sound_notebook_is_left_in_peace() -> None:
    assert found(
        "import numpy as np\nX, Y = np.zeros((3000, 100, 2)), np.zeros(3000)",
        "from tensorflow import keras\nmodel = keras.Sequential()",
        USED,
        "p = model.predict(X[2560:])[:, 0]\nprint(np.mean(np.abs(p - Y[2560:]) <= 0.04))",
    ) == ["source.tolerance"]  # kept only where the exercise's own limit is another one


class TestTrainingThatNeverHappens:
    def test_fit_in_a_comment(self) -> None:
        told = diagnose_source(notebook("x = 1", "# model.fit(X, Y, epochs=100)\nx = 2"))
        assert told == (Message("source.fit_commented_out", {"cell": 2}),)

    def test_a_comment_beside_a_real_fit_means_nothing(self) -> None:
        assert found("# model.fit(X, Y, epochs=3)\n" + USED) == []

    def test_the_word_in_a_string_is_no_comment(self) -> None:
        assert found("print('# model.fit(X, Y)')") == []

    def test_a_training_function_that_nothing_calls(self) -> None:
        told = diagnose_source(
            notebook("def train(model, X, Y):\n    return model.fit(X, Y)\nx = 1")
        )
        assert told == (Message("source.never_called", {"cell": 1, "name": "train"}),)

    @pytest.mark.parametrize("use", ["train(1, 2, 3)", "run = train", "list(map(train, [1]))"])
    def test_a_training_function_that_is_used(self, use: str) -> None:
        assert found("def train(model, X=0, Y=0):\n    return model.fit(X, Y)", use) == []

    @pytest.mark.parametrize(
        ("how", "line"),
        [
            ("train_on_batch", "for _ in range(9): model.train_on_batch(X, Y)"),
            ("GradientTape", "with tf.GradientTape() as tape: loss = model(X)"),
        ],
    )
    def test_a_loop_of_ones_own(self, how: str, line: str) -> None:
        told = diagnose_source(notebook("x = 1", line))
        assert told == (Message("source.own_loop", {"cell": 2, "how": how}),)
        assert found(line, USED) == ["source.own_loop"]  # of whichever model: updates tell

    @pytest.mark.parametrize("line", ["!python train.py", "%%bash\npython3 train.py"])
    def test_a_program_of_its_own(self, line: str) -> None:
        told = diagnose_source(notebook("%%writefile train.py\nmodel.fit(X, Y)", line))
        args = {"cell": 2, "line": line.split("\n", maxsplit=1)[0]}
        assert told == (Message("source.own_program", args),)

    @pytest.mark.parametrize(
        "source",
        [
            "!python --version",
            "!ls",
            "!python -m pip list\nimport matplotlib.pyplot as plt",
            "!python --version\nname = 'train.py'",
            "!python -m pip show matplotlib.pyplot",
            "%%bash\ncat train.py",
            "%%bash\npython --version\ncat train.py",
        ],
    )
    def test_a_command_that_starts_no_program_of_the_notebooks(self, source: str) -> None:
        assert found(source) == []

    @pytest.mark.parametrize(
        "prepared",
        [
            "scaler.fit(X)",
            "sc = MinMaxScaler()\nsc.fit(X)",
            "MinMaxScaler().fit(X)",
            "from sklearn import preprocessing as p\nencoder = p.OneHotEncoder()\nencoder.fit(X)",
            "from sklearn.decomposition import PCA\npca = PCA(2)\npca.fit(X)",
        ],
    )
    def test_what_scales_the_data_trains_no_model(self, prepared: str) -> None:
        loop = "for _ in range(9): model.train_on_batch(X, Y)"
        assert found(prepared, loop) == ["source.own_loop"]
        assert found(prepared, "# model.fit(X, Y)") == ["source.fit_commented_out"]
        function = "\n".join(["def prepare():", *(f"    {line}" for line in prepared.split("\n"))])
        assert found(function) == []

    @pytest.mark.parametrize("model", ["encoder", "autoencoder", "scaler_model"])
    def test_a_model_of_a_like_name_is_trained_by_its_fit(self, model: str) -> None:
        fit = f"{model} = keras.Model(a, b)\n{model}.fit(X, Y)"
        assert found(fit, "# model.fit(X, Y)") == []

    def test_scaling_in_a_comment_is_no_training_in_one(self) -> None:
        assert found("# scaler.fit(X)") == []


class TestNames:
    def test_what_a_cell_defines_that_cannot_be_read_is_unknown(self) -> None:
        assert found("histroy = (", "historx = 3", "print(histroy)") == []

    def test_a_name_that_is_close_to_a_defined_one(self) -> None:
        told = diagnose_source(notebook("histroy = 3", "print(history)"))
        args = {"cell": 2, "name": "history", "nearest": "histroy"}
        assert told == (Message("source.misspelt_name", args),)

    def test_a_star_import_may_bring_any_name(self) -> None:
        assert found("from tensorflow.keras.layers import *\nhistroy = 3", "print(history)") == []

    @pytest.mark.parametrize(
        "source",
        [
            "def f(model): return modal\nmodal = 3",
            "for item in []: print(item)\nitems = 3",
            "try:\n    pass\nexcept ValueError as error:\n    print(error)\nerrors = 1",
            "import numpy as nump\nnumpy_ = nump.zeros(3)",
            "[value for value in range(3)]\nvalues = 3",
            "%matplotlib inline\nget_ipython()\nget_python = 1",
            "printed = 1\nprint(printed)",
            "if (walrus := 3): print(walrus)\nwalruss = 1",
        ],
    )
    def test_names_that_are_defined_somehow(self, source: str) -> None:
        assert found(source) == []


class TestData:
    def test_inputs_and_targets_shuffled_apart(self) -> None:
        told = found("import numpy as np\nnp.random.shuffle(X)\nnp.random.shuffle(Y)")
        assert told == ["source.shuffled_apart"]

    def test_the_same_seed_before_both_keeps_them_together(self) -> None:
        source = """
            import numpy as np
            np.random.seed(1)
            np.random.shuffle(X)
            np.random.seed(1)
            np.random.shuffle(Y)
        """
        assert found(source) == []

    def test_one_list_of_indices_for_both(self) -> None:
        assert (
            found("import numpy as np\nnp.random.shuffle(order)\nX, Y = X[order], Y[order]") == []
        )


class TestMetrics:
    @pytest.mark.parametrize(
        "source",
        [
            "abs(p - y <= .04)",
            "import numpy as np\nnp.mean(np.abs(p - y <= 0.04))",
            "import math\nmath.fabs(p[0] - y[0] < 0.04)",
        ],
    )
    def test_a_comparison_within_abs(self, source: str) -> None:
        assert found(source) == ["source.parenthesis"]

    def test_a_mask_within_abs_is_something_else(self) -> None:
        assert found("abs(p <= 0.04)") == []

    @pytest.mark.parametrize(
        "source",
        [
            "abs(p - y) <= 0.4",
            "import numpy as np\n(np.abs(p - y) < .4).mean()",
            "error = abs(p - y)\nif error > 0.4: wrong = 1",
        ],
    )
    def test_the_limit_of_a_distance(self, source: str) -> None:
        told = diagnose_source(notebook(source))
        assert told == (Message("source.tolerance", {"cell": 1, "got": 0.4}),)

    def test_a_loss_below_a_number_is_no_distance(self) -> None:
        assert found("if loss <= 0.4: x = 1") == []


class TestEvaluation:
    def test_only_the_training_part_is_tried(self) -> None:
        told = diagnose_source(
            notebook("model.fit(X[:2560], Y[:2560])\nmodel.evaluate(X[:2560], Y[:2560])")
        )
        args = {"cell": 1, "part": "X[:2560]"}
        assert told == (Message("source.training_evaluated", args),)

    def test_the_training_part_beside_the_other_one_is_fine(self) -> None:
        assert found(USED + "\nmodel.evaluate(X[:2560], Y[:2560])") == []

    def test_a_figure_of_the_training_part_beside_predictions_of_the_other_one(self) -> None:
        fit = "model.fit(X[:2560], Y[:2560])"
        told = found(fit, "model.predict(X[2560:])", "model.evaluate(X[:2560], Y[:2560])")
        assert told == ["source.training_evaluated"]

    def test_a_part_that_is_called_so(self) -> None:
        fit = "model.fit(x_train, y_train)"
        assert found(fit, "model.evaluate(x_train, y_train)") == ["source.training_evaluated"]
        assert found(fit, "model.evaluate(x_test, y_test)") == []

    def test_an_exercise_that_predicts_its_own_windows_is_fine(self) -> None:
        assert found("model.fit(X, Y)\nmodel.predict(X)") == []


class TestSources:
    def test_each_kind_is_told_once_with_its_first_cell(self) -> None:
        told = diagnose_source(notebook("abs(p - y <= .04)", "abs(q - y <= .04)"))
        assert told == (Message("source.parenthesis", {"cell": 1}),)

    def test_what_is_not_python_is_left_out(self) -> None:
        assert found("print 'hello'", "%%bash\nls", "x = (", "abs(p - y <= .04)") == [
            "source.parenthesis"
        ]

    def test_an_empty_notebook(self) -> None:
        assert found() == []


class TestInstalling:
    def test_pip_is_noticed_with_what_it_was_asked_for(self) -> None:
        told = diagnose_source(notebook("x = 1", "!pip install -q tqdm seaborn\n" + USED))
        args = {"cell": 2, "what": "tqdm seaborn"}
        assert told == (Message("source.pip_install", args),)

    def test_the_magic_is_the_same(self) -> None:
        assert found("%pip install tqdm") == ["source.pip_install"]

    def test_other_shell_lines_are_not(self) -> None:
        assert found("!ls\n!pip list") == []
