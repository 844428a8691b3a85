"""What a mistyped name most likely means.

Enters: a name, those that there are. Leaves: the near ones, the nearest first; names for a message.
Touches nothing.

Hangul is compared by its letters: of a name of three syllables one wrong letter is one of eight or
nine, and would be a third of the name otherwise.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from grader.text.printable import composed, printable

NEAR = 0.6  # of difflib's ratio
NEAR_HANGUL = 0.75  # one vowel of four letters; more of them are in many names at once
MOST = 5  # that a message names
LONGEST = 60  # characters of a name in a message
_HANGUL = re.compile(r"[가-힣]")


def near_names(given: str, known: Iterable[str], most: int) -> list[str]:
    """Give the names that a mistyped one may mean, as many as ``most``."""
    wanted = _folded(given)
    letters = {_letters(_folded(one)): one for one in known}
    cutoff = NEAR_HANGUL if _HANGUL.search(wanted) else NEAR
    found = difflib.get_close_matches(_letters(wanted), letters, n=most, cutoff=cutoff)
    return [letters[one] for one in found]


def near_bearers(text: str, called: Mapping[str, Sequence[str]]) -> list[str]:
    """Give what is called almost so, and what holds the text or is held by it.

    Args:
        text: as it was typed.
        called: each of those there are, and all its names.
    """
    wanted = _folded(text)
    bearers: dict[str, list[str]] = {}  # by a name, which several may have
    for one, names in called.items():
        for name in names:
            bearers.setdefault(_folded(name), []).append(one)
    close = near_names(wanted, bearers, MOST)
    holding = [name for name in bearers if wanted and (wanted in name or name in wanted)]
    found = (one for name in (*holding, *close) for one in bearers[name])
    return list(dict.fromkeys(found))[:MOST]


def listed(names: Iterable[str]) -> str:
    """Write names for a message."""
    return ", ".join(printable(one, limit=LONGEST) for one in names)


def _folded(text: str) -> str:
    return composed(text, "NFKC").strip().casefold()


def _letters(folded: str) -> str:
    """Take syllables apart into the letters that were typed."""
    return unicodedata.normalize("NFD", folded)
