"""What a reader is told, and that both languages say it."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import grader
from grader.course.families import load_family
from grader.report import wording
from grader.text.korean import agree
from grader.text.printable import printable
from grader.text.words import LEVELS, OUTCOMES, Words, pick_language
from grader.types import EvidenceClass, GraderError, Level, Message, Outcome, Verdict

PACKAGE = Path(grader.__file__).parent
ROOT = PACKAGE.parent
OWN = PACKAGE / "locale"
FAMILIES = ROOT / "reference" / "families" / "locale"
INLINE = "course.inline"  # carries both languages itself; each catalogue picks one


def catalogue(root: Path, lang: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((root / lang).glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, abort_invalid=True):
                if entry.id:
                    assert entry.id not in found, f"{entry.id} twice, again in {path}"
                    found[str(entry.id)] = str(entry.string)
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def bare(text: str) -> str:
    """The sentence without its placeholders."""
    return "".join(plain for plain, _, _, _ in string.Formatter().parse(text))


def literal_messages(folder: Path) -> Iterator[tuple[str, set[str] | None, str]]:
    """Every Message("id", …) written out: id, its literal argument names (None: computed), place."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Message"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield str(node.args[0].value), _argument_names(node), place


def _argument_names(call: ast.Call) -> set[str] | None:
    given = call.args[1] if len(call.args) > 1 else None
    given = next((word.value for word in call.keywords if word.arg == "args"), given)
    if given is None:
        return set()
    if not isinstance(given, ast.Dict):
        return None
    names = [key.value for key in given.keys if isinstance(key, ast.Constant)]
    return {str(name) for name in names} if len(names) == len(given.keys) else None


@pytest.mark.parametrize("root", [OWN, FAMILIES], ids=["grader", "families"])
class TestCatalogues:
    def test_both_languages_know_the_same_messages(self, root: Path) -> None:
        assert catalogue(root, "en").keys() == catalogue(root, "ko").keys()

    def test_both_languages_use_the_same_arguments(self, root: Path) -> None:
        english, korean = catalogue(root, "en"), catalogue(root, "ko")
        for key in english.keys() - {INLINE}:
            assert placeholders(english[key]) == placeholders(korean[key]), key

    def test_no_message_is_empty(self, root: Path) -> None:
        for lang in ("en", "ko"):
            assert [key for key, text in catalogue(root, lang).items() if not text.strip()] == []

    def test_what_is_words_in_english_is_words_in_korean(self, root: Path) -> None:
        english, korean = catalogue(root, "en"), catalogue(root, "ko")
        spoken = [key for key, text in english.items() if any(map(str.islower, bare(text)))]
        assert [
            key for key in spoken if not any("가" <= char <= "힣" for char in korean[key])
        ] == []


def test_every_message_in_the_code_has_words() -> None:
    known = catalogue(OWN, "en").keys()
    missing = [(key, at) for key, _, at in literal_messages(PACKAGE) if key not in known]
    assert missing == []


def test_every_make_target_that_a_message_tells_to_run_is_there() -> None:
    """In Korean ``make`` is always the program; in English it is a verb as well."""
    english, korean = (
        set(re.findall(r"\bmake ([a-z-]+)", " ".join(catalogue(OWN, lang).values())))
        for lang in ("en", "ko")
    )
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert korean
    assert korean <= english
    assert korean <= set(targets)


def test_every_message_of_a_family_has_words() -> None:
    known = catalogue(OWN, "en").keys() | catalogue(FAMILIES, "en").keys()
    folder = ROOT / "reference" / "families"
    missing = [(key, at) for key, _, at in literal_messages(folder) if key not in known]
    assert missing == []


def test_every_message_in_the_code_brings_the_arguments_that_its_words_ask_for() -> None:
    words = catalogue(OWN, "en") | catalogue(FAMILIES, "en")
    for folder in (PACKAGE, ROOT / "reference" / "families"):
        for key, given, at in literal_messages(folder):
            if given is not None and key in words and key != INLINE:
                assert placeholders(words[key]) <= given, f"{key} at {at}"


# --- every id stands whole somewhere, so that a search finds who says a sentence ---------------

# Names that a family chose; ``family_word`` alone puts their ids together.
OF_FAMILIES = ("metric", "figure", "control")
# F-strings that look like a message's id and are none.
NO_MESSAGES = {"accuracy.{}": "the id of a check: the metric is the threshold's"}
SAYS = ("Message", "words", "knows")  # what takes an id first
PIECE = re.compile(r"[a-z]_|_[a-z]|[a-z]\\?\.|\.[a-z]")  # of an id; less could be of anything
ID = re.compile(r"[a-z]+(?:\.[a-z0-9_]+)+")
FILE = re.compile(r".*\.(?:json|toml|py)")
CODE = (PACKAGE, ROOT / "reference" / "families")


def everything_worded() -> dict[str, str]:
    return catalogue(OWN, "en") | catalogue(FAMILIES, "en")


def sources(kind: str) -> Iterator[tuple[str, str]]:
    """The text of every file of a kind, with its place."""
    for folder in CODE:
        for path in sorted(folder.rglob(f"*.{kind}")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for place, text in sources("py"):
        yield place, ast.parse(text)


def written() -> Iterator[tuple[str, str]]:
    """Every string of the code, of its tables and of the pages' templates, with its place."""
    for place, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, f"{place}:{node.lineno}"
    for place, text in sources("toml"):
        if "template" not in Path(place).parts:  # those hold blanks, and only a course's words
            yield from ((value, place) for value in strings(tomllib.loads(text)))
    for place, text in sources("j2"):
        yield from ((value, place) for value in re.findall(r'"([a-z0-9_.]+)"', text))


def strings(table: object) -> Iterator[str]:
    if isinstance(table, str):
        yield table
    elif isinstance(table, (dict, list)):
        for value in table.values() if isinstance(table, dict) else table:
            yield from strings(value)


def pattern(node: ast.AST) -> str:
    """A text that is put together, with {} for what only the run knows."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(pattern, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return pattern(node.left) + pattern(node.right)
    return "{}"


def is_composed(node: ast.AST) -> bool:
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod))
    return is_sum or isinstance(node, (ast.JoinedStr, ast.Call))


def composed_ids(tree: ast.AST, known: Iterable[str]) -> Iterator[str]:
    """Texts put together that could be a message's id, and any that is said at once."""
    ids = "\n".join(known)
    for node in ast.walk(tree):
        if isinstance(node, (ast.JoinedStr, ast.BinOp)):
            parts = [re.escape(part) for part in pattern(node).split("{}")]
            wanted = rf"^{'[a-z0-9_.]+'.join(parts)}$"
            if PIECE.search(" ".join(parts)) and re.search(wanted, ids, re.MULTILINE):
                yield pattern(node)
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "id", getattr(called, "attr", ""))
        if isinstance(node, ast.Call) and name in SAYS and node.args:
            first = node.args[0]
            choices = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            yield from (ast.unparse(one) for one in choices if is_composed(one))


def test_every_id_in_the_code_has_words() -> None:
    known = everything_worded()
    checks = {cls.value for cls in EvidenceClass}  # the ids of checks begin like their messages
    kinds = {key.split(".")[0] for key in known} - checks
    found = [
        (text, place)
        for text, place in written()
        if ID.fullmatch(text) and not FILE.fullmatch(text) and text.split(".")[0] in kinds
    ]
    assert len(found) > len(known) / 2
    assert [one for one in found if one[0] not in known] == []


def test_every_word_in_the_catalogues_has_its_id_written_whole() -> None:
    whole = {text for text, _ in written()}
    known = everything_worded()
    assert [key for key in known if key not in whole and key.split(".")[0] not in OF_FAMILIES] == []


def test_words_for_a_familys_names_are_for_names_that_a_family_has() -> None:
    texts = [text for place, text in sources("py") if place.startswith("reference")]
    names = [key.split(".")[1] for key in everything_worded() if key.split(".")[0] in OF_FAMILIES]
    assert names
    assert [name for name in names if not any(f'"{name}"' in text for text in texts)] == []


def test_no_id_is_put_together() -> None:
    known = everything_worded()
    found = {(text, place) for place, tree in trees() for text in composed_ids(tree, known)}
    assert [one for one in sorted(found) if one[0] not in NO_MESSAGES] == []
    assert {text for text, _ in found} == NO_MESSAGES.keys()  # no exception outlives its reason
    assert [place for place, text in sources("j2") if "~" in text] == []


@pytest.mark.parametrize(
    "code",
    [
        'key = f"verdict.{verdict}"',
        'key = f"{kind}.accepted"',
        'key = "verdict." + verdict',
        'words(f"{kind}.{name}")',
        'Message(kind + "." + name)',
        'Message("verdict.%s" % verdict)',
        'words("verdict.{}".format(verdict))',
        'words("verdict.accepted" if good else f"{kind}.{name}")',
    ],
)
def test_an_id_that_is_put_together_is_noticed(code: str) -> None:
    assert list(composed_ids(ast.parse(code), ["verdict.accepted"]))


@pytest.mark.parametrize(
    "code",
    [
        'words("verdict.accepted", name=f"{first}.{second}")',
        'Message("verdict.accepted" if good else "verdict.untrained")',
        "words(VERDICTS[verdict])",
        'place = f"{name}.json"',
    ],
)
def test_an_id_that_is_looked_up_is_let_through(code: str) -> None:
    assert list(composed_ids(ast.parse(code), ["verdict.accepted"])) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "reference" / "families").glob("*.py")), ids=lambda path: path.stem
)
def test_a_familys_mistakes_have_the_advice_that_is_worded_for_them(path: Path) -> None:
    family = load_family(path.parents[1], path.stem)
    advice = {k for k in catalogue(FAMILIES, "en") if k.startswith(f"{path.stem}.")}
    assert {
        key.removesuffix("_hint"): key for key in advice if key.endswith("_hint")
    } == family.HINTS


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (wording.VERDICTS, Verdict),
        (wording.VERDICT_REASONS, Verdict),
        (wording.CLASSES, EvidenceClass),
        (LEVELS, Level),
        (OUTCOMES, Outcome),
    ],
)
def test_a_table_of_ids_leaves_no_name_out(
    table: Mapping[StrEnum, str], names: type[StrEnum]
) -> None:
    assert table.keys() == set(names)


def write_po(folder: Path, lang: str, **entries: str) -> None:
    (folder / lang).mkdir(parents=True, exist_ok=True)
    lines = ['msgid ""', 'msgstr ""', '"Content-Type: text/plain; charset=UTF-8\\n"', ""]
    for key, text in entries.items():
        lines += [f'msgid "test.{key}"', f'msgstr "{text}"', ""]
    (folder / lang / "test.po").write_text("\n".join(lines), encoding="utf-8")


def words(folder: Path, lang: str = "en", **entries: str) -> Words:
    write_po(folder, lang, **entries)
    return Words(lang, [folder])


def test_a_message_is_said_with_its_arguments(tmp_path: Path) -> None:
    told = words(tmp_path, units="{units} units in {name}").say(
        Message("test.units", {"units": 30, "name": "LSTM"})
    )
    assert told == "30 units in LSTM"


def test_korean_falls_back_to_english(tmp_path: Path) -> None:
    write_po(tmp_path, "ko", other="다른 말")
    write_po(tmp_path, "en", only="English only")
    assert Words("ko", [tmp_path]).say(Message("test.only")) == "English only"


def test_an_unknown_message_shows_its_id_and_arguments() -> None:
    assert Words("ko").say(Message("no.such", {"value": 3})) == "no.such (value=3)"


def test_a_missing_argument_shows_an_ellipsis(tmp_path: Path) -> None:
    assert words(tmp_path, gap="{a} and {b:.3g}").say(Message("test.gap", {"a": 1})) == "1 and …"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.000412345, "0.000412"), (3, "3"), ("soon", "soon"), (None, "–"), (float("nan"), "NaN")],
)
def test_a_format_never_fails_whatever_the_argument(
    tmp_path: Path, value: float | str | None, shown: str
) -> None:
    said = words(tmp_path, number="{value:.3g}").say(Message("test.number", {"value": value}))
    assert said == shown


def test_attributes_of_arguments_are_out_of_reach(tmp_path: Path) -> None:
    said = words(tmp_path, sly="{value.__class__}{value[0]}").say(
        Message("test.sly", {"value": "x"})
    )
    assert "class" not in said


def test_an_argument_that_is_a_name_is_worded(tmp_path: Path) -> None:
    told = Message("runs.stopped", {"cell": 4, "outcome": "time_limit"})
    assert "time ran out" in Words("en").say(told)
    assert "시간 초과" in Words("ko").say(told)


def test_arguments_from_students_lose_what_cannot_be_seen(tmp_path: Path) -> None:
    said = words(tmp_path, echo="[{text}]").say(
        Message("test.echo", {"text": "a\x1b[31mb\u202ec\nd\x00"})
    )
    assert said == "[abc d]"


def test_a_course_may_reword_a_message(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "mine.po").write_text(
        'msgid ""\nmsgstr ""\n\nmsgid "verdict.accepted"\nmsgstr "Well done"\n', encoding="utf-8"
    )
    assert Words("en", [tmp_path]).say(Message("verdict.accepted")) == "Well done"


class TestLanguage:
    def test_the_option_comes_first(self) -> None:
        assert pick_language("en", "ko") == "en"

    def test_the_course_comes_before_the_locale(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
        assert pick_language(None, "ko") == "ko"

    def test_the_locale_decides_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
        assert pick_language(None, None) == "ko"

    def test_english_where_nothing_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        assert pick_language(None, None) == "en"

    def test_a_language_without_words_is_refused(self) -> None:
        with pytest.raises(GraderError) as caught:
            pick_language("fr", None)
        assert caught.value.message.id == "words.unknown_language"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("김민준이(가)", "김민준이"),
        ("나래을(를)", "나래를"),
        ("100으(로)", "100으로"),
        ("'서울'(으)로", "'서울'로"),
        ("31은(는)", "31은"),
        ("GRU을(를)", "GRU를"),
        ("숫자(이)라는", "숫자라는"),
        ("'10'(이)라는", "'10'이라는"),
        ("gru(이)라는", "gru라는"),
        ("LSTM을(를)", "LSTM을"),
        ("fit을(를)", "fit을"),
        ("history을(를)", "history를"),
        ("model(으)로", "model로"),
        ("Conv1D(으)로", "Conv1D로"),
        ("print을(를)", "print를"),
        ("input()(으)로", "input()으로"),
        ("lr=은(는)", "lr=은"),
        ("…을(를)", "…을(를)"),
    ],
)
def test_particles_agree_with_the_sound_before_them(written: str, said: str) -> None:
    assert agree(written) == said


class TestPrintable:
    def test_escapes_and_links_of_a_terminal_are_gone(self) -> None:
        text = "\x1b]8;;http://x\x1b\\name\x1b]8;;\x1b\\ \x1b[1;31mred\x1b[0m"
        assert printable(text) == "name red"

    def test_bidi_and_zero_width_characters_are_gone(self) -> None:
        assert printable("a\u202e\u2066b\u200b\ufeff\u00adc\u3164") == "abc"

    def test_names_from_macos_are_composed(self) -> None:
        assert printable("\u1100\u1175\u11b7") == "김"

    def test_line_breaks_stay_only_where_wanted(self) -> None:
        assert printable("a\r\nb") == "a b"
        assert printable("a\r\nb", lines=True) == "a\nb"

    def test_lone_surrogates_are_gone(self) -> None:
        printable("\ud800x").encode()

    def test_towers_of_accents_are_cut(self) -> None:
        assert len(printable("e" + "\u0316" * 500)) == 4

    def test_a_limit_cuts_with_an_ellipsis(self) -> None:
        assert printable("abcdef", limit=4) == "abc…"

    def test_plain_korean_is_left_alone(self) -> None:
        assert printable("김민준 (2반) – 실습 1.ipynb") == "김민준 (2반) – 실습 1.ipynb"
