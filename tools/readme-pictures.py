"""Draws README's two pictures, a student's page and the class's, into docs/images.

    python tools/readme-pictures.py

Enters: samples of three exercises, handed in under the names of a class that does not exist.
Leaves: ``feedback.png`` and ``class.png``, as wide as a page on a desk, cut below. Touches: rooms
(some minutes), Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = ("sequence-prediction", "multiplication-lstm", "multiplication-gru")
CLASS = {
    "choi_eunji": ("textbook", "textbook_list", "textbook_list"),
    "haddad_sami": ("textbook", "textbook_list", "two_epochs"),
    "kim_minjun": ("nine_windows", "functional_2400", "functional_cells"),
    "lee_seoyeon": ("sequences_returned", "textbook_list", "one_layer"),
    "nowak_ewa": ("five_numbers", "own_script_style", "dataset_pipeline"),
    "okafor_ada": ("fix_for_fit", None, "missing_return_sequences"),
    "park_jihoon": ("last_input", "three_epochs", "sum_of_marked"),
    "santos_rui": ("lists_of_numbers", "extra_dense", "messy_colab"),
    "yamada_sora": (None, "shuffled_apart", "data_only"),
}
SHOWN = "lee_seoyeon"
WIDTH, CLASS_HEIGHT, STUDENT_HEIGHT = 900, 1400, 1500  # pixels


def main() -> None:
    """Grade the class and draw."""
    with tempfile.TemporaryDirectory(prefix="readme-pictures-") as name:
        place = Path(name)
        hand_in(place / "class")
        out = place / "grades"
        line = [sys.executable, "-m", "grader", "grade", str(place / "class"), "--lang", "en"]
        subprocess.run([*line, "--out", str(out)], cwd=ROOT, check=False)
        images = ROOT / "docs/images"
        draw(out / "index.html", images / "class.png", CLASS_HEIGHT)
        draw(out / f"feedback/{SHOWN}.html", images / "feedback.png", STUDENT_HEIGHT)


def hand_in(folder: Path) -> None:
    """Write ``FOLDER/STUDENT/EXERCISE.ipynb``."""
    for student, samples in CLASS.items():
        (folder / student).mkdir(parents=True)
        for exercise, sample in zip(EXERCISES, samples, strict=True):
            if sample is not None:
                (path,) = (ROOT / f"reference/{exercise}/submissions").glob(f"*/{sample}.ipynb")
                shutil.copyfile(path, folder / student / f"{exercise}.ipynb")


def draw(page: Path, target: Path, height: int) -> None:
    """Draw the upper part of a page, ``height`` pixels of it."""
    line = [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    line += ["--hide-scrollbars", f"--window-size={WIDTH},{height}", f"--screenshot={target}"]
    subprocess.run([*line, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
