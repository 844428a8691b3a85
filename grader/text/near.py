"""What a mistyped name most likely means.

Enters: a name, those that there are. Leaves: the near ones, the nearest first. Touches nothing.

Hangul is compared by its letters: of a name of three syllables one wrong letter is one of eight or
nine, and would be a third of the name otherwise.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from grader.text.printable import composed

NEAR = 0.6  # of difflib's ratio
NEAR_HANGUL = 0.75  # one vowel of four letters; more of them are in many names at once
_HANGUL = re.compile(r"[가-힣]")


def near_names(given: str, known: Iterable[str], most: int) -> list[str]:
    """Give the names that a mistyped one may mean, as many as ``most``."""
    wanted = _folded(given)
    letters = {_letters(_folded(one)): one for one in known}
    cutoff = NEAR_HANGUL if _HANGUL.search(wanted) else NEAR
    found = difflib.get_close_matches(_letters(wanted), letters, n=most, cutoff=cutoff)
    return [letters[one] for one in found]


def _folded(text: str) -> str:
    return composed(text, "NFKC").strip().casefold()


def _letters(folded: str) -> str:
    """Take syllables apart into the letters that were typed."""
    return unicodedata.normalize("NFD", folded)
