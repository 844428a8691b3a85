"""The weather: windows in every layout and scale pass, each known mistake is named."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.families import DataReading, load_family
from grader.execution import FitSample
from grader.extract.distinct import each_once
from tests.support.family_data import (
    REFERENCE,
    assert_spoken,
    only_wrong,
    said_of,
    sample,
    seeds,
    wrong,
)

weather = load_family(REFERENCE, "weather")
HOURS = {"lookback": 36, "delay": 24, "stride": 4, "train_hours": 5500, "hidden_rows": 300}


def climate(**change):
    return weather.training(np.random.default_rng(0), {**HOURS, **change})


def weather_fit(x, y, rows=512, kind="arrays"):
    return FitSample(sample(x, rows), sample(y, rows), kind=kind)


def celsius(x, y):
    told = weather._usual_encoding(HOURS)
    slope, shift = np.array(told["slope"]), np.array(told["shift"])
    return (x - shift) / slope, (y - shift[1]) / slope[1]


@given(seeds, st.booleans(), st.booleans())
@settings(max_examples=15, deadline=None)
def test_weather_is_read_in_any_order_of_windows(seed, shuffled, column):
    x, y = climate()
    if shuffled:
        order = np.random.default_rng(seed).permutation(len(x))
        x, y = x[order], y[order]
    reading = weather.examine(weather_fit(x, y[:, None] if column else y), HOURS)
    assert wrong(reading) == {}
    assert reading.layout == "standardised"


@pytest.mark.parametrize("blur", [1e-5, 2e-4])
def test_windows_that_are_blurred_copies_of_some_are_no_more_than_those(blur):
    """However little they are: what is next to nothing is taken off before."""
    x, y = climate()
    few, after = np.tile(x[::85], (64, 1, 1)), np.tile(y[::85], 64)
    assert len(few) > 1000
    blurred = (few + np.random.default_rng(0).normal(0, blur, few.shape)).astype(np.float32)
    reading = weather.examine(each_once(weather_fit(blurred, after, rows=2000)), HOURS)
    assert wrong(reading) == {"data.rows": "weather.rows"}
    assert {one.got for one in reading.findings if one.id == "data.rows"} == {str(len(x[::85]))}


def test_windows_of_which_each_has_a_blurred_copy_are_enough():
    x, y = climate()
    noise = np.random.default_rng(0).normal(0, 1e-5, x.shape).astype(np.float32)
    both = np.concatenate([x, x + noise])
    reading = weather.examine(weather_fit(both, np.tile(y, 2), rows=3000), HOURS)
    assert wrong(reading) == {}


def test_windows_that_are_nearly_the_same_are_taken_off_once():
    """Fewer than all are shown, each of them three times but for noise: the others are alike."""
    x, y = climate()
    noise = np.random.default_rng(0).normal(0, 1e-7, (3 * len(x), *x.shape[1:]))
    thrice = (np.repeat(x, 3, axis=0) + noise).astype(np.float32)
    counted = each_once(weather_fit(thrice, np.repeat(y, 3), rows=600))
    assert counted.x.shape[0] == pytest.approx(len(x), abs=3)
    reading = weather.examine(counted, HOURS)
    assert wrong(reading) == {}
    assert {one.got for one in reading.findings if one.id == "data.rows"} == {
        str(counted.x.shape[0])
    }


def test_errors_are_the_same_in_whatever_scale_a_target_is():
    """Measured in readings: neither a shift nor another unit makes a model, or the naive answer, better."""
    x, y = climate()
    usual = weather.examine(weather_fit(x, y), HOURS)
    own = weather.examine(weather_fit(x, 1000 * y + 9e3), HOURS)
    asked = [weather.ask(one, np.random.default_rng(4), HOURS) for one in (usual, own)]
    guess = asked[0].answers + np.float32(0.5)
    for control in ("naive", "mean"):
        first, second = (
            weather.measure(weather.controls(one)[control], one)["relative_mae"] for one in asked
        )
        assert second == pytest.approx(first, rel=1e-3)
    first = weather.measure(guess, asked[0])
    second = weather.measure(1000 * guess + 9e3, asked[1])
    assert second == pytest.approx(first, rel=1e-3)


def test_the_columns_of_the_weather_are_standardised():
    x, y = climate()
    assert np.abs(x.mean(axis=(0, 1))).max() < 0.05
    assert np.abs(x.std(axis=(0, 1)) - 1).max() < 0.05
    assert abs(y.std() - 1) < 0.05


def test_the_judges_hours_are_in_no_file_of_the_students():
    files = weather.handout(HOURS)
    lines = [line.split(b",", 1)[1] for line in unzipped(files[weather.FILE]).splitlines()]
    hidden = [b",".join(b"%.2f" % v for v in row) for row in weather._weather().hidden]
    # A single hour may come again; three in a row do not.
    theirs = set(zip(lines, lines[1:], lines[2:], strict=False))
    assert len(hidden) > 2000
    assert theirs.isdisjoint(zip(hidden, hidden[1:], hidden[2:], strict=False))


def test_the_students_file_ends_before_the_judges_months():
    stamps = [
        line.split(b",")[0] for line in unzipped(weather.handout(HOURS)[weather.FILE]).split()
    ]
    assert not any(stamp.endswith((b".10.2013", b".11.2013", b".12.2013")) for stamp in stamps)


@pytest.fixture(scope="module")
def jenas():
    """The file of Jena's name as the textbook reads it, (rows, 14), and its dates."""
    text = unzipped(weather.handout(HOURS)["keras/jena_climate_2009_2016.csv.zip"]).decode()
    lines = text.split("\n")[1:]  # without an end of the last line, as Jena's own
    cells = [line.split(",") for line in lines]
    return np.array([row[1:] for row in cells], dtype=float), [row[0] for row in cells]


def test_the_file_of_jenas_name_has_jenas_rows_and_dates(jenas):
    rows, stamps = jenas
    assert rows.shape == (420_551, 14)
    assert stamps[:2] == ["01.01.2009 00:10:00", "01.01.2009 00:20:00"]
    assert stamps[143:145] == ["02.01.2009 00:00:00", "02.01.2009 00:10:00"]
    assert len(set(stamps)) == len(stamps)
    assert stamps[-1].startswith(("30.12.2016", "31.12.2016"))


def test_every_sixth_row_of_the_file_of_jenas_name_is_the_students_next_hour(jenas):
    rows, _ = jenas
    students = weather._weather().students
    for phase in (0, 5):
        hours = rows[phase::6]
        assert np.array_equal(hours[: len(students)], students)
        again = hours[len(students) : 2 * len(students)]
        assert np.array_equal(again, students)  # and none of the judge's


def generated(rows, *, lookback, step, delay=144, count=1200, seed=0, most=200_000):
    """What the textbook's generator draws: (rows, lookback // step, 14) and the targets."""
    standard = (rows - rows[:200_000].mean(axis=0)) / rows[:200_000].std(axis=0)
    drawn = np.random.default_rng(seed).integers(lookback, most, count)
    samples = np.stack([standard[row - lookback : row : step] for row in drawn])
    return samples.astype(np.float32), standard[drawn + delay, 1].astype(np.float32)


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_the_textbooks_generator_draws_the_courses_hours(jenas, seed):
    x, y = generated(jenas[0], lookback=1440, step=6, seed=seed)
    long = {**HOURS, "lookback": 240}
    reading = weather.examine(weather_fit(x, y, kind="generator"), long)
    assert wrong(reading) == {}
    assert reading.layout == "standardised"
    assert "weather.finer_note" not in [note.id for note in reading.notes]
    asked = weather.ask(reading, np.random.default_rng(0), long)
    plain = weather.ask(DataReading((), None), np.random.default_rng(0), long)
    scale = np.polyfit(plain.answers, asked.answers, 1)
    assert np.allclose(asked.answers, np.polyval(scale, plain.answers), atol=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_windows_around_the_end_of_the_students_hours_are_found(jenas, seed):
    """Every window there goes on with the first hours: more than one in twenty is allowed to."""
    end = len(weather._weather().students) * 6
    x, y = generated(jenas[0][end - 2000 :], lookback=1440, step=6, seed=seed, most=2800)
    assert wrong(weather.examine(weather_fit(x, y), {**HOURS, "lookback": 240})) == {}


@pytest.mark.parametrize(
    ("step", "lookback", "minutes"), [(3, 720, 30), (1, 240, 10), (2, 480, 20)]
)
def test_readings_several_times_an_hour_are_a_note_and_asked_alike(jenas, step, lookback, minutes):
    x, y = generated(jenas[0], lookback=lookback, step=step)
    spec = {**HOURS, "lookback": x.shape[1]}
    reading = weather.examine(weather_fit(x, y), spec)
    assert wrong(reading) == {}
    (note,) = [note for note in reading.notes if note.id == "weather.finer_note"]
    assert note.args == {"minutes": minutes}
    assert_spoken(reading, "weather")
    asked = weather.ask(reading, np.random.default_rng(0), spec)
    assert asked.inputs.shape[1:] == x.shape[1:]
    changed = (np.diff(asked.inputs[:, :, 0], axis=1) != 0).mean()
    assert changed < 1.05 * minutes / 60  # as in the student's: a reading lasts an hour
    naive = weather.measure(weather.controls(asked)["naive"], asked)
    assert naive["relative_mae"] == pytest.approx(1.0)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_course_length_of_ten_minute_rows_is_told_as_too_short(jenas, lang):
    x, y = generated(jenas[0], lookback=36, step=1)
    finding = only_wrong(weather.examine(weather_fit(x, y), HOURS))
    assert finding.message.id == "weather.finer"
    told, advice = said_of(finding, lang)
    assert "10" in told
    assert "144" in advice
    assert "step 6" in advice


def test_a_target_at_another_hour_of_jenas_rows_is_named_in_hours(jenas):
    x, y = generated(jenas[0], lookback=720, step=3, delay=24)
    finding = only_wrong(weather.examine(weather_fit(x, y), {**HOURS, "lookback": 240}))
    assert finding.message.id == "weather.target_delay"
    assert finding.message.args["delay"] == 4


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


def test_the_textbooks_own_loop_counts_one_hour_more_and_is_right():
    x, y = climate(delay=25)
    assert wrong(weather.examine(weather_fit(x, y), HOURS)) == {}


@pytest.mark.parametrize(
    ("delay", "name", "en", "ko"),
    [
        (-3, "before", "3 h before the window's last hour", "3시간 앞"),
        (0, "last", "of the window's last hour itself", "마지막 시각의 기온 그대로"),
        (12, "delay", "12 h after the window's last hour", "12시간 뒤"),
        (48, "delay", "48 h after the window's last hour", "48시간 뒤"),
    ],
)
def test_a_target_at_another_hour_is_named(delay, name, en, ko):
    x, y = climate(delay=delay)
    reading = weather.examine(weather_fit(x, y), HOURS)
    finding = only_wrong(reading)
    assert finding.message.id == f"weather.target_{name}"
    assert finding.message.args["delay"] == abs(delay)
    assert_spoken(reading, "weather")
    for lang, said, unit in (("en", en, "24 h after"), ("ko", ko, "24시간 뒤")):
        told, _ = said_of(finding, lang)
        assert said in told
        assert unit in told


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("steps", "delay"), [(36, 24), (48, 12)])
def test_advice_about_the_weather_has_the_windows_of_the_notebook(steps, delay, lang):
    own = {**HOURS, "lookback": steps, "delay": delay}
    x, y = climate(lookback=steps, delay=delay, stride=1)
    rng = np.random.default_rng(0)
    cases = {
        "target_delay": (x, climate(lookback=steps, delay=delay + 9, stride=1)[1]),
        "target_column": (x[:-delay], x[delay:, -1, 3]),
        "target": (x, rng.permutation(y)),
        "hours": (rng.permuted(x, axis=1), y),
    }
    for name, (windows, targets) in cases.items():
        few = min(len(windows), len(targets))
        finding = only_wrong(weather.examine(weather_fit(windows[:few], targets[:few]), own))
        assert finding.message.id == f"weather.{name}"
        _, advice = said_of(finding, lang)
        ahead = [str(delay - 1)] if name != "hours" else []
        columns = ["3", "1"] if name == "target_column" else []
        assert re.findall(r"\d+", advice) == [*columns, str(steps), *ahead]
    shape = only_wrong(weather.examine(weather_fit(x, y[:-5]), own))
    assert str(delay) in said_of(shape, lang)[1]


def test_a_target_of_another_column_is_named():
    x, _ = climate(stride=1)
    reading = weather.examine(weather_fit(x[:-24], x[24:, -1, 3]), HOURS)
    assert wrong(reading) == {"data.target": "weather.target_column"}


def test_hours_that_are_kept_for_checking_are_told_where_they_are_trained_on():
    """Rows to train on, then the ones to check with as well: right data, and a word about it."""
    x, y = climate(stride=1, train_hours=6546)
    told = weather.examine(weather_fit(x, y, rows=len(x)), HOURS)
    assert all(one.fraction == 1.0 for one in told.findings)
    last = np.arange(len(x)) + HOURS["lookback"] - 1
    (note,) = told.notes
    assert note.id == "weather.checked_on"
    assert note.args == {"share": round(100 * np.mean(last >= 5500)), "row": 5500}
    assert_spoken(told, "weather")
    train = last < 5500
    assert weather.examine(weather_fit(x[train], y[train]), HOURS).notes == ()


def test_targets_out_of_order_are_wrong():
    x, y = climate()
    reading = weather.examine(weather_fit(x, np.random.default_rng(0).permutation(y)), HOURS)
    assert wrong(reading) == {"data.target": "weather.target"}


@pytest.mark.parametrize("together", [True, False])
def test_shuffled_hours_are_wrong(together):
    x, y = climate()
    rng = np.random.default_rng(0)
    mixed = np.array([rng.permutation(w) for w in x]) if together else rng.permuted(x, axis=1)
    assert "data.hours" in wrong(weather.examine(weather_fit(mixed, y), HOURS))


def test_windows_that_skip_hours_are_told_so():
    """The textbook's step of 6 is for rows of ten minutes; the course's are an hour apart."""
    series = weather._weather().students
    standard = (series - series.mean(axis=0)) / series.std(axis=0)
    ends = np.arange(36 * 6, 3000, 7)
    x = np.stack([standard[end - 36 * 6 : end : 6] for end in ends]).astype(np.float32)
    reading = weather.examine(weather_fit(x, standard[ends + 23, 1]), HOURS)
    assert wrong(reading) == {"data.hours": "weather.skips"}
    (finding,) = [one for one in reading.findings if one.id == "data.hours"]
    assert finding.message.args["every"] == 6
    assert_spoken(reading, "weather")


def test_windows_longer_than_the_file_are_in_no_place_of_it():
    places, found = weather._places(np.ones((2, 50)), np.arange(40.0))
    assert not found.any()
    assert len(places) == 2


def test_weather_of_another_place_is_no_weather_of_the_file():
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.standard_normal((3000, 14)), axis=0)
    x, y = weather._windows(series, np.arange(36, 2900, 4), 36, 24)
    reading = weather.examine(weather_fit(x, y), HOURS)
    assert wrong(reading) == {"data.hours": "weather.hours"}
    assert reading.layout is None


def test_columns_in_another_order_are_named():
    x, y = climate()
    swapped = x[:, :, [0, 1, 3, 2, *range(4, 14)]]
    reading = weather.examine(weather_fit(swapped, y), HOURS)
    assert wrong(reading) == {"data.hours": "weather.column"}
    assert_spoken(reading, "weather")


def test_raw_readings_are_named_and_still_asked_in_their_scale():
    reading = weather.examine(weather_fit(*celsius(*climate())), HOURS)
    assert wrong(reading) == {"data.scale": "weather.raw"}
    asked = weather.ask(reading, np.random.default_rng(1), HOURS)
    hidden = weather._weather().hidden[:, 1]
    assert asked.answers.mean() == pytest.approx(hidden.mean(), abs=1)


def test_a_scale_of_ones_own_is_followed_to_the_digit():
    x, y = celsius(*climate())
    low, high = x.min(axis=(0, 1)), x.max(axis=(0, 1))
    scaled = ((x - low) / (high - low)).astype("f4")
    reading = weather.examine(weather_fit(scaled, y), HOURS)
    assert wrong(reading) == {}
    assert reading.layout == "scaled"
    asked = weather.ask(reading, np.random.default_rng(1), HOURS)
    usual = weather.ask(DataReading((), None), np.random.default_rng(1), HOURS)
    there, answers = celsius(usual.inputs, usual.answers)
    assert np.allclose(asked.inputs, (there - low) / (high - low), atol=1e-4)
    assert np.allclose(asked.answers, answers, atol=1e-3)


@given(st.floats(0.1, 50), st.floats(-20, 20))
@settings(max_examples=20, deadline=None)
def test_the_error_does_not_depend_on_the_scale(scale, shift):
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    guess = asked.answers + np.where(np.arange(len(asked.answers)) % 2, 0.2, -0.3)
    naive = asked.naive * scale + shift
    stretched = type(asked)(asked.inputs, asked.answers * scale + shift, naive)
    own = weather.measure(guess, asked)["mae"]
    assert weather.measure(guess * scale + shift, stretched)["mae"] == pytest.approx(own, rel=1e-3)


def test_the_naive_answer_is_the_same_hour_a_day_before():
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    assert np.array_equal(weather.controls(asked)["naive"], asked.inputs[:, -1, 1])


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.9), (1.2, -0.9), (10.0, 12.0), (-1.0, 0.0)])
def test_a_target_in_a_scale_of_its_own_makes_no_answer_better_than_the_naive_one(scale, shift):
    """Always zero is nearer than yesterday's temperature only where that is not shifted, too."""
    x, y = climate()
    plain, own = weather.examine(weather_fit(x, y), HOURS), y * scale + shift
    moved = weather.examine(weather_fit(x, own), HOURS)
    assert wrong(moved) == {}
    asked, usual = (
        weather.ask(reading, np.random.default_rng(1), HOURS) for reading in (moved, plain)
    )
    again = weather.measure(asked.naive, asked)
    assert again["relative_mae"] == pytest.approx(1.0)
    assert again["mae"] == pytest.approx(weather.measure(usual.naive, usual)["mae"], rel=1e-3)
    zero = weather.measure(np.zeros_like(asked.answers), asked)
    assert zero["relative_mae"] > 1.0


def last_day(times):
    """Right windows of the file's last day, so many times: what comes after stands nowhere."""
    series = weather._weather().students
    ends = np.arange(len(series) - 20, len(series) + 1)
    told = weather._usual_encoding(HOURS)
    scaled = series * np.asarray(told["slope"]) + np.asarray(told["shift"])
    windows = [scaled[end - HOURS["lookback"] : end] for end in ends]
    return np.concatenate([np.stack(windows).astype(np.float32)] * times)


def test_windows_whose_targets_lie_behind_the_end_have_none():
    _, y = climate()
    shown = last_day(40)
    reading = weather.examine(weather_fit(shown, np.zeros(len(shown), y.dtype)), HOURS)
    assert wrong(reading)["data.target"] == "weather.target_beyond"
    assert_spoken(reading, "weather")


@pytest.mark.parametrize(("times", "right"), [(1, True), (40, False)])
def test_of_right_windows_few_may_lie_where_no_target_can_be_looked_up(times, right):
    (x, y), last = climate(), last_day(times)
    any_target = np.arange(len(last)).astype(y.dtype)
    given = weather_fit(np.concatenate([x, last]), np.concatenate([y, any_target]), rows=10_000)
    found = {} if right else {"data.target": "weather.target_beyond"}
    assert wrong(weather.examine(given, HOURS)) == found


def test_the_naive_answer_is_better_than_the_mean():
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    errors = {k: weather.measure(v, asked)["mae"] for k, v in weather.controls(asked).items()}
    assert errors["naive"] < errors["mean"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x, y: (x.transpose(0, 2, 1), y), "transposed"),
        (lambda x, y: (x[:, :, :1], y), "shape"),
        (lambda x, y: (x, y[:-5]), "target_shape"),
        (lambda x, y: (x * np.nan, y), "not_finite"),
        (lambda x, y: (x[:900], y[:900]), "rows"),
    ],
)
def test_a_mistake_with_weather_is_named(change, name):
    reading = weather.examine(weather_fit(*change(*climate())), {**HOURS, "min_rows": 1000})
    assert list(wrong(reading).values()) == [f"weather.{name}"]
    assert_spoken(reading, "weather")


def test_windows_too_few_to_look_up_the_target_are_not_blamed():
    x, y = climate()
    reading = weather.examine(weather_fit(x[:7], y[:7], kind="generator"), HOURS)
    assert wrong(reading) == {}
    assert "weather.target_unseen" in [note.id for note in reading.notes]
