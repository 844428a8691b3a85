"""Korean particles that agree with the word before them.

Enters: a Korean sentence with particles written both ways, as in "GRU을(를)". Leaves: the sentence
with the one that fits the sound before it. Touches nothing.

Where the sound is not known for sure (Latin letters, symbols) both forms stay.
"""

from __future__ import annotations

import re

_PAIR = re.compile(r"(이\(가\)|을\(를\)|은\(는\)|과\(와\)|와\(과\)|\(으\)로|으\(로\)|\(이\)라는)")
_FORMS = {  # after a final consonant, after a vowel
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "은(는)": ("은", "는"),
    "과(와)": ("과", "와"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "으(로)": ("으로", "로"),
    "(이)라는": ("이라는", "라는"),
}
_FIRST, _LAST, _FINALS = 0xAC00, 0xD7A3, 28
_RIEUL = 8  # final ㄹ takes 로, like a vowel
# 영 일 이 삼 사 오 육 칠 팔 구: each digit by the final sound of its Korean name.
_DIGITS = {"0": 21, "1": 8, "2": 0, "3": 16, "4": 0, "5": 0, "6": 1, "7": 8, "8": 8, "9": 0}


def agree(sentence: str) -> str:
    """Choose every particle by the sound before it, looking through closing quotes and brackets."""
    return _PAIR.sub(_chosen, sentence)


def _chosen(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip("\"'”’)]}>`")
    final = _final(before[-1:])
    pair = match[0]
    if final is None or pair not in _FORMS:
        return pair
    with_final, without = _FORMS[pair]
    if with_final == "으로" and final == _RIEUL:
        return without
    return with_final if final else without


def _final(char: str) -> int | None:
    """Number of the final consonant, 0 for none, None where the sound is unknown."""
    if char in _DIGITS:
        return _DIGITS[char]
    if char and _FIRST <= ord(char) <= _LAST:
        return (ord(char) - _FIRST) % _FINALS
    return None
