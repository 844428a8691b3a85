"""What Moodle calls the columns of its grading worksheet and its lists of people, in two languages.

Enters: a table's header. Leaves: which column of it is meant. Touches nothing.

Moodle knows its own columns again by their names, in the language in which it is read: a worksheet
goes back as it came. The Korean names are those of Moodle's Korean language pack, the same in 2.x
and 4.4; what it leaves untranslated, such as "Grade can
be changed", Moodle writes in English.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

IDENTIFIER = ("Identifier", "식별자")  # "Participant 1234", "참가자1234"
FULL_NAME = ("Full name", "전체 이름")
GRADE = ("Grade", "성적")
MOST = ("Maximum Grade", "Maximum grade", "최대 성적")  # older Moodles, newer ones
CHANGEABLE = ("Grade can be changed",)
SUBMITTED = ("Last modified (submission)", "마지막 수정됨(제출)")
GRADED = ("Last modified (grade)", "마지막 수정됨(성적)")
FEEDBACK = ("Feedback comments", "피드백 코멘트")
NO = frozenset({"No", "아니오"})  # in a cell
NEEDED = (IDENTIFIER, GRADE, GRADED)  # without which Moodle takes no worksheet
# As its own exports call them: in the grade import, in lists of participants, in worksheets.
KEYS = (
    *("username", "Username", "idnumber", "ID number", "id 번호", "ID 번호"),
    *("email", "Email address", "이메일 주소", "이메일", "id", *IDENTIFIER),
)


def column(header: Collection[str], names: Iterable[str]) -> str:
    """Give the first of some names that is a column; "" where none is."""
    return next((one for one in names if one in header), "")
