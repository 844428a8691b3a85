"""In the notebook's room: whether a module is missing since its name is not spelt so.

Enters: the name of a module that was not found. Leaves: an answer. Touches nothing.

Who is told to install a misspelt name may install what a stranger uploaded under it. Real packages
whose names resemble others (cupy and copy, timm and time) are none of these.
"""

from __future__ import annotations

import sys

WELL_KNOWN = (
    "numpy",
    "pandas",
    "matplotlib",
    "tensorflow",
    "keras",
    "sklearn",
    "seaborn",
    "scipy",
    "statsmodels",
    "plotly",
    "networkx",
    "gensim",
    "konlpy",
)
PYTHON_2 = frozenset(
    {
        "__builtin__",
        "cPickle",
        "cStringIO",
        "cookielib",
        "HTMLParser",
        "httplib",
        "StringIO",
        "tkMessageBox",
        "urllib2",
        "urlparse",
        "xmlrpclib",
    }
)
NO_PACKAGE = frozenset({"helper", "helpers", "request", "util", "utils"})  # mostly one's own file
LONG = 6  # letters from which one of them makes a slip; shorter names have real neighbours
SHORTEST = 4


def is_slip(name: str) -> bool:
    """Whether another name was meant: other case, a letter more, less or other, or swapped.

    Names that only Python 2 had, and those of a student's own files, are no packages either.
    """
    if name in WELL_KNOWN or name in sys.stdlib_module_names:  # tkinter may be lacking, too
        return False
    if name in PYTHON_2 or name in NO_PACKAGE:
        return True
    if any(one == name.lower() or _one_letter(one, name) for one in WELL_KNOWN):
        return True
    return any(_is_near(one, name) for one in sys.stdlib_module_names if len(one) >= SHORTEST)


def _is_near(usual: str, name: str) -> bool:
    if usual.lower() == name.lower() or name == f"{usual}s":
        return True
    if _digits(usual) != _digits(name):  # pathlib2 is a package
        return False
    return len(usual) >= LONG and _one_letter(usual, name)


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


def _one_letter(left: str, right: str) -> bool:
    if sorted(left) == sorted(right):
        return True
    short, long = sorted((left, right), key=len)
    if len(long) - len(short) > 1:
        return False
    same = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), None)
    if same is None:
        return True
    return short[same + (len(long) == len(short)) :] == long[same + 1 :]
