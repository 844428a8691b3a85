"""``from grader import check``: what a live notebook holds, looked at before handing in.

Enters: an exercise's id, the caller's names. Leaves: an Answer. Touches: reads the course's public
half; from the first call on, looks on as ``fit`` is called (``watching``). Needs NumPy and the
notebook's own Keras; loads neither.

The same functions as in grading read the model, look at the data and score; what is different is
where their evidence comes from. What only a run from top to bottom or the instructor's side can
tell is said not to be checked here.
"""

from grader.live.checking import check

__all__ = ["check"]
