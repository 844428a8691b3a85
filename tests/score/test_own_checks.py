"""An exercise brings a check along by a file alone, and it is graded as any other."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.course.exercises import Course
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.course.own_checks import load_own_checks
from grader.pipeline.job import fingerprints
from grader.pipeline.regrade import regrade
from grader.report.feedback import feedback_page
from grader.report.json_ import results_json
from grader.score.grade import grade_of
from grader.score.score import score
from grader.text.words import Words
from grader.types import (
    Check,
    Engine,
    Evidence,
    EvidenceClass,
    Grade,
    GraderError,
    LayerFact,
    Verdict,
)
from grader.verify.orphans import orphans
from grader.verify.rules import check_files
from tests.support import builders as b
from tests.support.course_help import ROOT, course_of

GRU = "multiplication-gru"
THRESHOLD = Threshold("mse", "lower", 0.01, 0.04, "jax", "cpu", None, None, "measured")
NARROWING = '''
"""No layer is wider than the one before it."""

from itertools import pairwise

from grader.course.own_checks import CheckAnswer, OwnCheck


def narrowing(evidence, exercise):
    widths = [fact.config["units"] for fact in evidence.model.layers if "units" in fact.config]
    right = all(after <= before for before, after in pairwise(widths))
    return CheckAnswer(
        fraction=float(right),
        expected="each ≤ the one before",
        got=" → ".join(map(str, widths)),
        en="The layers were to become narrower.",
        ko="층은 뒤로 갈수록 좁아져야 합니다.",
    )


CHECKS = (OwnCheck("structure.narrowing", 7, narrowing),)
'''


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A copy of one exercise, with a check of its own added by a file."""
    course = course_of(tmp_path, GRU)
    brings(course, NARROWING)
    return course


def brings(course: Course, source: str) -> None:
    (course.root / "reference" / GRU / "checks.py").write_text(source, "utf-8")


def widening(course: Course) -> Evidence:
    """A second layer that is wider than the first, and all else as asked for."""
    sound = b.sound(course.exercise(GRU))
    assert sound.model is not None
    first, second, last = sound.model.layers
    wider = replace(second, config={**second.config, "units": 60})
    return replace(sound, model=replace(sound.model, layers=(first, wider, last)))


def graded(course: Course, evidence: Evidence, threshold: Threshold | None = THRESHOLD) -> Grade:
    exercise = course.exercise(GRU)
    return score(evidence, exercise, threshold, load_own_checks(exercise))


def own(grade: Grade, name: str = "structure.narrowing") -> Check:
    return next(check for check in grade.checks if check.id == name)


def worth(grade: Grade, cls: EvidenceClass) -> float:
    return sum(check.max_points for check in grade.checks if check.cls is cls)


def refused(course: Course, source: str) -> str:
    brings(course, source)
    with pytest.raises(GraderError) as refusal:
        load_own_checks(course.exercise(GRU))
    message = refusal.value.message
    assert message.id.startswith(("course.broken_checks", "course.checks_"))
    assert str(message.args["path"]).endswith("checks.py")
    assert Words("ko").say(message) != Words("en").say(message)
    return Words("en").say(message)


# --- points and verdict ----------------------------------------------------------------------


def test_sound_work_still_earns_all_points_and_the_class_is_worth_the_same(course: Course) -> None:
    grade = graded(course, b.sound(course.exercise(GRU)))
    assert (grade.verdict, grade.score) == (Verdict.ACCEPTED, 100.0)
    assert worth(grade, EvidenceClass.STRUCTURE) == pytest.approx(35)
    assert own(grade).points == own(grade).max_points == 7


def test_the_standard_checks_share_the_rest_in_proportion(course: Course) -> None:
    sound = b.sound(course.exercise(GRU))
    with_it = {check.id: check.max_points for check in graded(course, sound).checks}
    without = score(sound, course.exercise(GRU), THRESHOLD).checks
    for check in without:
        kept = 28 / 35 if check.cls is EvidenceClass.STRUCTURE else 1.0
        assert with_it[check.id] == pytest.approx(kept * check.max_points)


def test_one_that_fails_leads_to_the_verdict_of_its_class(course: Course) -> None:
    exercise = course.exercise(GRU)
    sound = b.sound(exercise)
    assert sound.model is not None
    extra = LayerFact("Wide", {"units": 60}, (60,), 0)  # seen by this check alone
    brings(course, NARROWING.replace("evidence.model.layers", "(*evidence.model.layers, EXTRA)"))
    path = course.root / "reference" / GRU / "checks.py"
    path.write_text(f"from grader.types import LayerFact\nEXTRA = {extra!r}\n" + path.read_text())
    grade = graded(course, sound)
    assert [check.id for check in grade.checks if not check.passed] == ["structure.narrowing"]
    assert (grade.verdict, grade.score) == (Verdict.WRONG_ARCHITECTURE, 93.0)


def test_without_a_threshold_it_is_worth_the_same_share_of_its_class(course: Course) -> None:
    grade = graded(course, b.sound(course.exercise(GRU)), None)
    assert grade.score == 100.0
    assert own(grade).points == pytest.approx(worth(grade, EvidenceClass.STRUCTURE) / 5)


def test_it_is_asked_nothing_where_there_is_no_model(course: Course) -> None:
    grade = graded(course, b.sound(course.exercise(GRU), model=None))
    assert grade.verdict is Verdict.NO_MODEL
    assert "structure.narrowing" not in {check.id for check in grade.checks}


def test_one_about_data_is_asked_nothing_where_nothing_was_fed(course: Course) -> None:
    brings(course, NARROWING.replace("structure.narrowing", "data.narrowing"))
    exercise = course.exercise(GRU)
    never = {"data": (), "training": replace(b.training(), fits=0, epochs=0, changed=False)}
    assert graded(course, b.sound(exercise, **never)).verdict is Verdict.UNTRAINED


def test_a_fraction_beyond_all_earns_no_more_than_all(course: Course) -> None:
    brings(course, NARROWING.replace("float(right)", "7.0"))
    assert own(graded(course, b.sound(course.exercise(GRU)))).points == 7


@pytest.mark.parametrize(
    ("value", "brought"),
    [("Decimal('0.5')", "from decimal import Decimal"), ("np.float32(0.5)", "import numpy as np")],
)
def test_any_number_will_do_and_is_kept_as_a_plain_one(
    course: Course, value: str, brought: str
) -> None:
    brings(
        course, NARROWING.replace("float(right)", value).replace("\nfrom", f"\n{brought}\nfrom", 1)
    )
    points = own(graded(course, b.sound(course.exercise(GRU)))).points
    assert (points, type(points)) == (3.5, float)


@pytest.mark.parametrize("points", ["Decimal(7)", "np.float32(7)"])
def test_points_of_any_kind_of_number_are_plain_ones(course: Course, points: str) -> None:
    source = NARROWING.replace(", 7,", f", {points},")
    brings(course, f"import numpy as np\nfrom decimal import Decimal\n{source}")
    check = own(graded(course, b.sound(course.exercise(GRU))))
    assert (check.points, type(check.points), type(check.max_points)) == (7, float, float)


def test_texts_without_end_are_cut(course: Course) -> None:
    brings(course, NARROWING.replace('" → ".join(map(str, widths))', "'x' * 20_000_000"))
    assert own(graded(course, b.sound(course.exercise(GRU)))).got == "x" * 1999 + "…"


def test_one_that_changes_what_it_is_given_changes_a_copy(course: Course) -> None:
    brings(course, NARROWING.replace("right = ", "evidence.metrics.clear()\n    right = "))
    evidence = b.sound(course.exercise(GRU))
    metrics = dict(evidence.metrics)
    assert graded(course, evidence).score == 100.0
    assert evidence.metrics == metrics != {}


# --- what is shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "The layers were to become narrower."), ("ko", "층은 뒤로 갈수록 좁아져야 합니다.")],
)
def test_pages_and_json_say_it_in_either_language(course: Course, lang: str, said: str) -> None:
    evidence, words = widening(course), Words(lang)
    record = b.record(exercise=GRU, grade=graded(course, evidence), evidence=evidence)
    document: Any = results_json([record], words, lambda _: "")
    shown = {check["id"]: check for check in document["results"][0]["checks"]}
    assert shown["structure.narrowing"]["message"] == said
    assert shown["structure.narrowing"]["got"] == "30 → 60 → 1"
    assert said in feedback_page("kim", [record], words, {})


def test_the_exercise_may_advise_when_it_fails(course: Course) -> None:
    spec = course.root / "reference" / GRU / "spec.toml"
    advice = '\n[[hints]]\nwhen = "structure.narrowing"\nen = "Halve the units."\nko = "반으로."\n'
    spec.write_text(spec.read_text("utf-8") + advice, "utf-8")
    anew = load_course(course.root)
    hints = graded(anew, widening(anew)).hints
    assert "Halve the units." in {hint.args.get("en") for hint in hints}


# --- a fault of ours -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("right = all(", "right = nonsense(", "nonsense"),
        ("float(right)", 'float("nan")', "nan"),
        ("return CheckAnswer(", "return dict(", "fraction"),
        ("structure.narrowing", "data.target", "standard check"),
        ("right = all(", "raise SystemExit('stop') or all(", "stop"),
        ("float(right)", "None", "NoneType"),
        ("float(right)", "10**400", "int too large"),
        ("return ", "return CheckAnswer(7, 8, 9, 10, 11) or ", "expected"),
        ('expected="each ≤ the one before"', "expected=30", "expected"),
        ('got=" → ".join(map(str, widths))', "got=len(widths)", "got"),
        ('en="The layers were to become narrower."', "en=b'bytes'", "en"),
        ('ko="층은 뒤로 갈수록 좁아져야 합니다."', "ko=None", "ko"),
    ],
    ids=[
        "raises",
        "no number",
        "no answer",
        "a finding's name",
        "leaves the program",
        "no fraction",
        "beyond every number",
        "nothing but numbers",
        "expected is a number",
        "got is a number",
        "en is bytes",
        "ko is missing",
    ],
)
def test_a_check_at_fault_leaves_ungraded_and_names_the_file(
    course: Course, old: str, new: str, error: str
) -> None:
    brings(course, NARROWING.replace(old, new))
    grade = grade_of(course, b.sound(course.exercise(GRU)), Engine.JAX, "cpu").grade
    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    (check,) = grade.checks
    assert check.message.id == "course.check_raised"
    assert str(check.message.args["path"]).endswith(f"{GRU}/checks.py")
    for lang in ("en", "ko"):
        assert error in Words(lang).say(check.message)


def test_once_it_is_mended_a_regrade_scores_the_kept_evidence(course: Course) -> None:
    brings(course, NARROWING.replace("right = all(", "right = nonsense("))
    evidence = b.sound(course.exercise(GRU))
    broken = grade_of(course, evidence, Engine.JAX, "cpu").grade
    record = b.record(exercise=GRU, grade=broken, evidence=evidence)
    assert "This is not a zero" in feedback_page("kim", [record], Words("en"), {})
    brings(course, NARROWING)
    (again,) = regrade(course, [record], b"secret")
    assert again.grade.score == 100.0
    assert own(again.grade).passed


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("CHECKS = (", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("x = 1", "CHECKS"),
        ("CHECKS = [1]", "must be a tuple of OwnCheck"),
        (NARROWING.replace("structure.narrowing", "shape.narrowing"), "for example training.adam"),
        (
            NARROWING.replace("structure.narrowing", "structure"),
            "a dot, and a name in small letters",
        ),
        *(
            (NARROWING.replace("structure.narrowing", name), "a standard check is called so")
            for name in (
                "runs.cells",
                "runs.readable",
                "structure.layers",
                "structure.total",
                "structure.layer-12",
                "data.fit",
                "training.weights",
                "training.epochs",
                "accuracy.none",
            )
        ),
        ("raise SystemExit(3)", "SystemExit(3)"),
        (NARROWING.replace(", 7,", ", 0,"), "narrowing has 0 points"),
        (NARROWING.replace(", 7,", ", '7',"), "TypeError"),
        (
            NARROWING.replace(", 7,", ", 35,"),
            "take 35 of the 35 points for structure; the standard",
        ),
        (NARROWING + "CHECKS *= 2\n", "two checks have the id"),
    ],
    ids=[
        "syntax",
        "import",
        "no checks",
        "no tuple",
        "no class",
        "no name",
        *["a standard check's name"] * 9,
        "leaves the program",
        "no points",
        "no number",
        "all points",
        "twice",
    ],
)
def test_a_file_that_cannot_be_used_is_named(course: Course, source: str, error: str) -> None:
    assert error in refused(course, source)


def test_points_of_a_class_that_has_none_cannot_be_taken(course: Course) -> None:
    brings(course, NARROWING.replace("structure.narrowing", "accuracy.narrowing"))
    exercise = course.exercise(GRU)
    without = replace(exercise, points={**exercise.points, EvidenceClass.ACCURACY: 0.0})
    with pytest.raises(GraderError) as refusal:
        load_own_checks(without)
    said = Words("en").say(refusal.value.message)
    assert "no points for accuracy, so no check can take any" in said


# --- files alone -----------------------------------------------------------------------------


def test_a_changed_file_counts_at_once_and_changes_the_key_of_scores(course: Course) -> None:
    before = fingerprints(course, course.exercise(GRU))
    brings(course, NARROWING.replace(", 7,", ", 8,"))
    (check,) = load_own_checks(course.exercise(GRU))
    assert check.points == 8
    assert fingerprints(course, course.exercise(GRU)) != before


def test_the_same_file_is_executed_once(course: Course) -> None:
    exercise = course.exercise(GRU)
    assert load_own_checks(exercise)[0] is load_own_checks(exercise)[0]


def test_without_the_file_there_is_none(tmp_path: Path) -> None:
    assert load_own_checks(course_of(tmp_path, GRU).exercise(GRU)) == ()


def test_the_course_check_knows_the_file_and_says_when_it_is_broken(course: Course) -> None:
    rules = {one.rule: one for one in check_files(course, [course.exercise(GRU)])}
    assert rules["checks"].holds
    assert all(one.holds for one in orphans(course))
    brings(course, "CHECKS = (")
    rules = {one.rule: one for one in check_files(course, [course.exercise(GRU)])}
    got = rules["checks"].got
    assert got is not None
    assert "SyntaxError" in Words("en").say(got)
    assert Words("ko").knows("verify.checks")


def test_the_page_s_own_example_works(course: Course) -> None:
    page = (ROOT / "docs/adding-a-check.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    brings(course, example)
    exercise = course.exercise(GRU)
    trained = replace(b.training(), epochs=exercise.epochs)
    few, many, uncounted = (
        graded(course, b.sound(exercise, training=replace(trained, updates=updates)))
        for updates in (100, 500, None)
    )
    assert (few.verdict, few.score) == (Verdict.UNTRAINED, 95.0)
    assert (many.verdict, many.score) == (Verdict.ACCEPTED, 100.0)
    assert uncounted.score == 100.0
    assert own(few, "training.updates").got == "100"


@pytest.mark.parametrize(
    ("page", "saved_as"),
    [
        ("adding-a-check", f"reference/{GRU}/checks.py"),
        ("adding-a-runner", "grader/pipeline/runners/serial.py"),
        ("adding-an-exporter", "grader/report/exporters/register.py"),
    ],
)
def test_a_page_s_example_passes_the_linter_where_it_says_to_save_it(
    page: str, saved_as: str
) -> None:
    text = (ROOT / f"docs/{page}.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        line = [sys.executable, "-m", "ruff", *command, "--stdin-filename", saved_as, "-"]
        done = subprocess.run(
            line, input=example, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
