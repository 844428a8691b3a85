"""Forms that texts in ``course.toml`` may have, with an example of each for whoever missed it.

Enters, leaves, touches nothing.
"""

from __future__ import annotations

# A name as the package index has it, with at most one bound; no address and no option of pip's.
REQUIREMENT = (
    r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9,_-]+\])?"
    r"((==|>=|<=|~=)[0-9][A-Za-z0-9.+!]*)?$"
)
REPOSITORY = r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$"
BRANCH = r"^[A-Za-z0-9._-]+$"
FOLDER = r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$"
WHEEL = r"^https://[^\s'\"]+\.whl$"
NOT_EMPTY = r"\S"
EXAMPLES = {  # of what has one of these forms
    REQUIREMENT: "scikit-learn>=1.4",
    REPOSITORY: "OWNER/NAME",
    BRANCH: "main",
    FOLDER: "lessons/rnn",
    WHEEL: "https://example.org/rnn_grader-0.1.0-py3-none-any.whl",
}
