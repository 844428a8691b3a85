"""Stand-in for ``from grader import check``: a check that was left in a notebook costs nothing.

It looks at nothing, knows no course, and gives what the real one gives, empty. The grader itself is
not in the room: every other name is missing.
"""

from __future__ import annotations

__all__ = ["check"]
TOLD = "채점할 때에는 확인하지 않습니다. / Nothing is checked while grading."


class _Shown:
    """Shows itself as one line."""

    text = TOLD

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{self.text}</p>"


class _Answer(_Shown):
    """An answer without anything in it."""

    exercise = title = model = problem = no_more = ""
    lines = titles = hints = summary = ()
    picture = None
    right = asked = 0

    def marks(self, *_args: object, **_kwargs: object) -> str:
        """Give no marks."""
        return ""

    def hint(self) -> _Shown:
        """Give no hint."""
        return _Shown()


def check(*_args: object, **_kwargs: object) -> _Answer:
    """Look at nothing."""
    return _Answer()
