"""Pairs to look at: what two students alone have in common, whatever they call it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from grader.similarity.compare import LEAST_FRAGMENTS, MOST_PAIRS, RARE, Pair, Work, pairs_alike
from grader.similarity.tokens import MOST_TOKENS, tokens_of
from grader.submission import Cell, Notebook
from tests.support import builders as b

STUB = """
import numpy as np
import tensorflow as tf
X = np.array([[(i + j) / 10 for j in range(4)] for i in range(6)])[:, :, None]
Y = np.array([(i + 4) / 10 for i in range(6)])
"""
USUAL = """
model = tf.keras.Sequential([tf.keras.layers.SimpleRNN(10), tf.keras.layers.Dense(1)])
model.compile(optimizer='adam', loss='mse')
history = model.fit(X, Y, epochs=100, verbose=0)
plt.plot(history.history['loss'])
"""
ODD = """
scores = {}
for width in [3, 5, 8]:
    total = 0.0
    for row in range(width):
        total += np.abs(np.roll(X[row % 6], row) - np.flip(Y)[row % 6]).sum() ** 0.5
    scores[width] = round(total / (width + 1), 3)
print(sorted(scores.items(), key=lambda pair: -pair[1])[:2])
"""
RENAMED = """
# A quite different idea, of my own.
ergebnis = {}
for breite in [4, 6, 9]:
    summe = 1.0
    for i in range(breite):  # over the rows
        summe += np.abs(np.roll(X[i % 7], i) - np.flip(Y)[i % 7]).sum() ** 0.25

    ergebnis[breite] = round(summe / (breite + 2), 4)
print(sorted(ergebnis.items(), key=lambda p: -p[1])[:3])
"""


def own(number: int) -> str:
    """Code that nobody else writes: its calls are its own."""
    return "\n".join(f"np.f{number}_{n}(X, axis={n}).g{number}_{n}(Y)" for n in range(6))


def work(student: str, *cells: str, submission: str = "") -> Work:
    made = tuple(Cell(n, source) for n, source in enumerate(cells, start=1))
    name = submission or f"{student}/a.ipynb"
    return Work(student, name, Notebook(made, None, b.key_of(cells)))


def class_of(*more: Work) -> list[Work]:
    """Twelve who did the usual thing each in an own way, and more."""
    return [work(f"s{n}", STUB, USUAL, own(n)) for n in range(12)] + list(more)


def found(*more: Work) -> list[Pair]:
    given = [work("", STUB).notebook]
    return pairs_alike(class_of(*more), given)


def names(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(one.one.student, one.other.student) for one in pairs]


def test_a_copy_with_other_names_numbers_and_comments_stands_first() -> None:
    pairs = found(work("kim", STUB, USUAL, ODD), work("lee", STUB, USUAL, RENAMED))
    assert names(pairs)[0] == ("kim", "lee")
    assert pairs[0].share > 0.9
    assert not pairs[0].same


def test_what_the_whole_class_writes_makes_no_pair() -> None:
    assert found() == []


def test_who_wrote_nothing_but_what_many_did_is_in_no_pair() -> None:
    """The book's own lines: all of what each has is in common, and it tells of nobody."""
    book = [work(f"b{n}", STUB, USUAL, f"n = {n}") for n in range(RARE + 2)]
    assert found(*book) == []
    ring = [work(f"c{n}", STUB, USUAL, ODD, f"n = {n}") for n in range(RARE + 1)]
    assert len(found(*book, *ring)) == 6  # four who share what nobody else has
    assert len(pairs_alike(book[:2], [])) == 1  # of two, each line is what few have


def test_what_everybody_was_given_makes_no_pair() -> None:
    long = "\n".join(f"np.given_{n}(X, axis={n}).more_{n}(Y)" for n in range(20))
    works = [work("kim", long, own(1)), work("lee", long, own(2))]
    assert names(pairs_alike(works, [])) == [("kim", "lee")]
    assert pairs_alike(works, [work("", long).notebook]) == []


def test_cells_in_another_order_are_the_same_cells() -> None:
    pairs = found(work("kim", STUB, USUAL, ODD), work("lee", RENAMED, STUB, USUAL))
    assert names(pairs)[0] == ("kim", "lee")


def test_one_student_s_own_hand_ins_are_no_pair() -> None:
    twice = (work("kim", ODD), work("kim", ODD, submission="kim/b.ipynb"))
    assert found(*twice) == []


def test_who_hands_in_together_is_no_pair() -> None:
    kim, lee = work("kim", STUB, ODD), work("lee", STUB, ODD)
    assert names(found(kim, lee)) == [("kim", "lee")]
    assert found(replace(kim, partners=frozenset({"lee"})), lee) == []
    assert found(kim, replace(lee, partners=frozenset({"kim"}))) == []
    assert names(found(replace(kim, partners=frozenset({"mo"})), lee)) == [("kim", "lee")]


def test_work_for_different_exercises_is_no_pair() -> None:
    lstm, gru = frozenset({"lstm"}), frozenset({"gru"})
    kim = replace(work("kim", STUB, ODD), exercises=lstm)
    for theirs, both in ((lstm, lstm), (lstm | gru, lstm), (gru, None)):
        lee = replace(work("lee", STUB, RENAMED), exercises=theirs)
        assert [one.exercises for one in found(kim, lee)] == ([both] if both else [])


def test_what_all_of_one_exercise_write_is_nobody_s_mark_beside_another_exercise() -> None:
    gru = frozenset({"gru"})
    every = [replace(work(f"t{n}", ODD, f"n = {n}"), exercises=gru) for n in range(8)]
    others = [replace(one, exercises=frozenset({"lstm"})) for one in class_of()]
    assert pairs_alike([*every, *others], []) == []


def test_the_same_code_is_told_as_such() -> None:
    pairs = found(work("kim", STUB, ODD), work("lee", STUB, ODD))
    assert names(pairs)[0] == ("kim", "lee")
    assert pairs[0].same
    assert pairs[0].share == pytest.approx(1.0)


def test_rare_code_weighs_more_than_as_much_that_many_have() -> None:
    many = [work(f"m{n}", STUB, ODD, own(100 + n)) for n in range(8)]
    rare = "\n".join(f"np.rare_{n}(X, axis={n}).few_{n}(Y)" for n in range(12))
    few = [work(name, STUB, rare, own(200 + n)) for n, name in enumerate(("kim", "lee"))]
    pairs = found(*many, *few)
    assert names(pairs)[0] == ("kim", "lee")


def test_the_lines_of_both_sides_are_told() -> None:
    kim, lee = work("kim", STUB, USUAL, ODD), work("lee", STUB, RENAMED)
    pair = found(kim, lee)[0]
    one, other = pair.rare
    assert {cell for cell, _ in one} == {3}
    assert {cell for cell, _ in other} == {2}
    line = ODD.splitlines().index("    total = 0.0") + 1
    assert (3, line) in one
    assert pair.rare[0] <= pair.common[0]
    assert {cell for cell, _ in pair.common[0]}.isdisjoint({1})  # of what was given, none


def test_few_means_few() -> None:
    shared = [work(f"m{n}", ODD, own(n)) for n in range(RARE + 1)]
    for pair in pairs_alike(shared, []):
        assert pair.rare == (frozenset(), frozenset())


def test_what_all_of_three_write_is_no_mark_of_two() -> None:
    three = [work(f"m{n}", ODD, f"np.z{n}(X)") for n in range(3)]
    empty = work("e", "model = ...")  # who wrote nothing is not one who did without
    for works in (three, [*three, empty]):
        assert [pair.rare for pair in pairs_alike(works, [])] == [(frozenset(), frozenset())] * 3
    assert all(pair.rare[0] for pair in pairs_alike(three[:2], []))


def test_what_all_write_who_wrote_anything_tells_of_nobody_beside_those_who_wrote_nothing() -> None:
    wrote = [work(f"m{n}", ODD, f"np.z{n}(X)") for n in range(8)]
    empty = [work(f"e{n}", "model = ...") for n in range(8)]
    assert pairs_alike(wrote, []) == pairs_alike([*wrote, *empty], []) == []


def test_of_many_pairs_the_most_telling_are_given() -> None:
    copies = [work(f"c{n}", ODD, f"np.z{n}(X)") for n in range(14)]
    pairs = pairs_alike([*copies, *(work(f"s{n}", own(n)) for n in range(60))], [])
    assert len(pairs) == MOST_PAIRS
    assert [one.weight for one in pairs] == sorted((one.weight for one in pairs), reverse=True)


def test_a_line_or_two_in_common_are_no_pair() -> None:
    line = " ".join(f"np.x{n}" for n in range(LEAST_FRAGMENTS // 4))
    assert pairs_alike([work("kim", line), work("lee", line)], []) == []


@pytest.mark.parametrize("cells", [(), ("",), ("%%bash\nls",), ("x = (",), ("\x00\ud800",)])
def test_whatever_was_handed_in_can_be_compared(cells: tuple[str, ...]) -> None:
    assert pairs_alike([work("kim", *cells), work("lee", *cells)], []) == []


def test_code_that_is_no_python_is_compared_all_the_same() -> None:
    broken, renamed = ODD + "\nx = (", RENAMED + "\nx = (("
    assert names(found(work("kim", broken), work("lee", renamed)))[0] == ("kim", "lee")


def test_comments_texts_and_own_names_are_nobodys_mark() -> None:
    def texts(source: str) -> list[str]:
        return [one.text for one in tokens_of(work("", source).notebook)]

    assert texts("a = 'x'  # why\n") == texts('other = "something else"')
    assert texts("a = 1") != texts("a = b")
    assert texts("np.abs(1)") != texts("np.sum(1)")


def test_lines_are_those_of_the_cell() -> None:
    tokens = tokens_of(work("", "import os", "\n%time x = 1\n\ny = '''a\nb'''\nz = 3").notebook)
    assert [(one.cell, one.line) for one in tokens if one.text == "name"] == [
        (2, 2),
        (2, 4),
        (2, 6),
    ]


def test_endless_code_is_read_in_part() -> None:
    assert len(tokens_of(work("", "x = 1\n" * MOST_TOKENS).notebook)) == MOST_TOKENS
    assert tokens_of(work("", f"x = [{'1,' * 20_000}]").notebook) == []


def test_a_pair_says_nothing_of_guilt() -> None:
    assert not [name for name in Pair.__annotations__ if re.search("cheat|copy|guilt", name)]
