"""Reading a notebook file: what is read, and every reason for not reading it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.collect import notebooks
from grader.collect.notebooks import MAX_DEPTH, Malformed, parse_notebook
from tests.support.notebook_files import notebook, raw, worded


def reason(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        parse_notebook(data)
    return worded(caught.value.message)


# --- what is read ----------------------------------------------------------------------------


def test_code_cells_keep_their_order_and_count_all_cells_from_one():
    document = notebook("a", "b")
    document["cells"].insert(1, {"cell_type": "markdown", "source": "text", "metadata": {}})
    cells = parse_notebook(raw(document)).cells
    assert [(cell.index, cell.source) for cell in cells] == [(1, "a"), (3, "b")]


def test_a_source_may_be_a_list_of_lines():
    assert parse_notebook(raw(notebook(["a\n", "b"]))).cells[0].source == "a\nb"


@pytest.mark.parametrize("written", ["a\r\nb", "a\rb", ["a\r\n", "b"], ["a\r", "\nb"]])
def test_windows_and_old_mac_line_ends_become_newlines(written):
    assert parse_notebook(raw(notebook(written))).cells[0].source == "a\nb"


def test_a_byte_order_mark_is_passed_over():
    assert parse_notebook(b"\xef\xbb\xbf" + raw(notebook("a"))).cells[0].source == "a"


def test_korean_source_is_kept_as_it_is():
    data = json.dumps(notebook("# 곱셈"), ensure_ascii=False).encode()
    assert parse_notebook(data).cells[0].source == "# 곱셈"


def test_a_notebook_without_code_is_a_notebook():
    assert parse_notebook(raw(notebook())).cells == ()


def test_kernelspec_outputs_metadata_and_missing_cell_ids_do_not_matter():
    document = notebook("a", metadata={"kernelspec": {"name": "python2"}, "colab": {"x": [1]}})
    document["cells"][0]["outputs"] = [{"output_type": "error", "ename": "E", "traceback": [1]}, 7]
    document["cells"][0]["id"] = 5
    assert parse_notebook(raw(document)).cells[0].source == "a"


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"language_info": {"name": "R"}, "kernelspec": {"language": "R"}}, "R"),
        ({"kernelspec": {"language": "julia"}}, "julia"),
        ({"kernelspec": {"language": 3}, "language_info": []}, "python"),
        ({"language_info": {"name": "x" * 500}}, "x" * 40),
    ],
)
def test_the_metadata_name_the_language(metadata, language):
    assert parse_notebook(raw(notebook("a", metadata=metadata))).language == language


def test_format_3_is_read_with_its_worksheets_in_order():
    sheet = [{"cell_type": "heading", "source": "t"}, {"cell_type": "code", "input": ["a\n", "b"]}]
    document = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": sheet}, {"cells": sheet}]}
    cells = parse_notebook(raw(document)).cells
    assert [(cell.index, cell.source) for cell in cells] == [(2, "a\nb"), (4, "a\nb")]


def test_half_a_surrogate_pair_is_replaced_for_no_kernel_can_be_sent_it():
    source = (
        parse_notebook(rb'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "a\ud83d"}]}')
        .cells[0]
        .source
    )
    assert source == "a\N{REPLACEMENT CHARACTER}"


def test_a_whole_surrogate_pair_is_the_character_it_means():
    source = parse_notebook(raw(notebook("\N{PARTY POPPER}"))).cells[0].source
    assert source == "\N{PARTY POPPER}"


def test_the_metadata_name_the_exercise():
    document = notebook("a", metadata={"grader": {"exercise": "char-text"}})
    assert parse_notebook(raw(document)).exercise == "char-text"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"grader": None},
        {"grader": {"exercise": 5}},
        {"grader": {"exercise": "../../etc"}},
        {"grader": {"exercise": "a" * 500}},
        {"grader": {"exercise": "char-text\n"}},
        [],
    ],
)
def test_an_exercise_that_is_no_name_counts_as_none_named(metadata):
    assert parse_notebook(raw(notebook("a", metadata=metadata))).exercise is None


# --- the digest ------------------------------------------------------------------------------


def digest(document: dict) -> str:
    return parse_notebook(raw(document)).digest


def test_the_digest_ignores_outputs_and_metadata():
    ran = notebook("a", metadata={"x": 1})
    ran["cells"][0]["outputs"] = [{"output_type": "stream", "text": "hello"}]
    assert digest(ran) == digest(notebook("a"))


def asked(source, outputs):
    document = notebook(source)
    document["cells"][0]["outputs"] = outputs
    return document


TYPED = {"output_type": "stream", "name": "stdout", "text": ["n? 12\n"]}


@pytest.mark.parametrize(
    "outputs",
    [[TYPED], [{**TYPED, "text": "n? 12\n"}], [5, {"name": "stderr", "text": "!"}, TYPED]],
)
def test_what_was_typed_is_kept_of_a_cell_that_asks_and_belongs_to_the_digest(outputs):
    document = asked("n = input('n? ')", outputs)
    (cell,) = parse_notebook(raw(document)).cells
    assert cell.said == "n? 12\n"
    assert digest(document) != digest(asked("n = input('n? ')", []))
    (silent,) = parse_notebook(raw(asked("print('n? 12')", outputs))).cells
    assert silent.said == ""


@pytest.mark.parametrize("outputs", [None, {}, "x", [{"name": "stdout"}], [{**TYPED, "text": {}}]])
def test_outputs_of_any_form_cost_nothing(outputs):
    (cell,) = parse_notebook(raw(asked("n = input('n? ')", outputs))).cells
    assert cell.said == ""


def test_of_what_was_printed_no_more_is_kept_than_answers_need():
    (cell,) = parse_notebook(raw(asked("input()", [{**TYPED, "text": ["x" * 900] * 9}] * 9))).cells
    assert len(cell.said) == notebooks.MOST_SAID


@pytest.mark.parametrize(
    ("counts", "numbers"),
    [
        ([1, 2, 3], {1: 1, 2: 2, 3: 3}),
        ([7, None, 12], {1: 7, 3: 12}),
        ([4, 4, 5], {3: 5}),  # of two kernels: nobody knows which is meant
        ([None, None, None], {}),
        ([0, -1, True], {}),
        (["1", 2.0, 10**9], {}),
    ],
)
def test_the_number_that_the_file_shows_beside_a_cell_is_kept(counts, numbers):
    document = notebook("a", "b", "c")
    for cell, count in zip(document["cells"], counts, strict=True):
        cell["execution_count"] = count
    read = parse_notebook(raw(document))
    assert read.saved_numbers == numbers
    assert read == parse_notebook(raw(notebook("a", "b", "c")))  # and decides nothing


def test_the_digest_ignores_line_ends():
    assert digest(notebook("a\r\nb")) == digest(notebook(["a\n", "b"]))


def test_the_digest_tells_where_a_cell_ends():
    assert (
        len({digest(notebook("a", "b")), digest(notebook("ab")), digest(notebook("", "ab"))}) == 3
    )


def test_the_digest_covers_cell_numbers_for_reports_name_them():
    shifted = notebook("a")
    shifted["cells"].insert(0, {"cell_type": "markdown", "source": "t", "metadata": {}})
    assert digest(shifted) != digest(notebook("a"))


# --- what is not -----------------------------------------------------------------------------

GOOD = raw(notebook("x = 1", "y = 2"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty_file"),
        (b"  \n ", "empty_file"),
        ("{}".encode("utf-16"), "utf16"),
        (b'{"nbformat": 4, "cells": [], "x": "\xff"}', "not_utf8"),
        ("# 곱셈\n".encode("cp949"), "not_utf8"),
        (b"import tensorflow as tf\n", "not_json"),
        (b"<!DOCTYPE html><html></html>", "web_page"),
        (b"\n <html>", "web_page"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======', "merge_conflict"),
        (b'{"nbformat": 4,, "cells": []}', "bad_json"),
        (b'{"nbformat": 4, "cells": []} trailing', "bad_json"),
        (b'{"nbformat": 4, "cells": [], "x": NaN}', "not_finite"),
        (b'{"nbformat": 4, "cells": [], "x": -Infinity}', "not_finite"),
        (b'{"nbformat": 4, "nbformat": 4, "cells": []}', "duplicate_key"),
        (
            b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "a", "source": "b"}]}',
            "duplicate_key",
        ),
        (b'{"nbformat": 4, "cells": [], "x": ' + b"9" * 5000 + b"}", "huge_number"),
        (b'{"nbformat": 4, "cells": [], "x": -0.' + b"9" * 5000 + b"}", "huge_number"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"[]", "not_a_notebook"),
        (b"5", "not_a_notebook"),
        (b"{}", "not_a_notebook"),
        (b'{"nbformat": "4", "cells": []}', "not_a_notebook"),
        (b'{"nbformat": true, "cells": []}', "not_a_notebook"),
        (b'{"nbformat": 4.0, "cells": []}', "not_a_notebook"),
        (b'{"nbformat": 2, "worksheets": []}', "old_nbformat"),
        (b'{"nbformat": 5, "cells": []}', "new_nbformat"),
        (b'{"nbformat": 4}', "no_cells"),
        (b'{"nbformat": 4, "cells": {}}', "no_cells"),
        (b'{"nbformat": 3, "cells": []}', "no_cells"),
        (b'{"nbformat": 3, "worksheets": [1]}', "not_a_notebook"),
        (b'{"nbformat": 4, "cells": ["x = 1"]}', "bad_cell"),
        (b'{"nbformat": 4, "cells": [{"source": "x"}]}', "bad_cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": ["code"], "source": "x"}]}', "bad_cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "bad_source"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a", 1]}]}', "bad_source"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": null}]}', "bad_source"),
    ],
)
def test_every_fault_has_its_own_reason(data, why):
    assert reason(data) == why


@pytest.mark.parametrize("kept", range(2, len(GOOD) - 1, 7))
def test_a_file_cut_off_anywhere_is_called_cut_off(kept):
    assert reason(GOOD[:kept]) == "truncated_json"


def test_the_reason_names_the_line():
    with pytest.raises(Malformed) as caught:
        parse_notebook(b'{\n"nbformat": 4,\n"cells": [}\n}')
    assert caught.value.message.args["line"] == 3


def test_the_reason_names_the_cell_as_a_reader_counts():
    document = notebook("a", "b")
    document["cells"][1]["source"] = 5
    with pytest.raises(Malformed) as caught:
        parse_notebook(raw(document))
    assert caught.value.message.args["cell"] == 2


def test_nesting_just_within_the_limit_is_read():
    depth = MAX_DEPTH - 2  # the document and the key's value are levels too
    document = raw(notebook("a"))[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert parse_notebook(document).cells


def test_a_file_over_the_size_limit_is_refused(monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_BYTES", 100)
    assert reason(raw(notebook("a" * 100))) == "too_large"


def test_values_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_VALUES", 1000)
    assert reason(raw(notebook("a", metadata={"x": [[]] * 1000}))) == "too_many_values"


def test_commas_within_text_are_no_values(monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_VALUES", 1000)
    assert parse_notebook(raw(notebook('[1, 2, "\\"", {' * 1000))).cells


# --- whatever comes ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cells", "nbformat", "cell_type", "source", "metadata", "worksheets"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
CELL = st.fixed_dictionaries(
    {}, optional={"cell_type": st.just("code") | JSON, "source": st.text() | JSON, "outputs": JSON}
)
DOCUMENT = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([4, 3]) | JSON},
    optional={"cells": st.lists(CELL) | JSON, "worksheets": JSON, "metadata": JSON},
)


def readable_or_malformed(data: bytes) -> None:
    try:
        found = parse_notebook(data)
    except Malformed as error:
        worded(error.message)
    else:
        for cell in found.cells:
            assert "\r" not in cell.source
            cell.source.encode()


@given(st.binary())
def test_any_bytes_are_a_notebook_or_malformed(data):
    readable_or_malformed(data)


@given(DOCUMENT)
def test_any_json_is_a_notebook_or_malformed(document):
    readable_or_malformed(raw(document))


@given(DOCUMENT, st.data())
def test_any_damaged_notebook_is_a_notebook_or_malformed(document, data):
    good = bytearray(raw(document))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    readable_or_malformed(bytes(good))
