"""Korean particles that agree with the word before them.

Enters: a Korean sentence with particles written both ways, as in "GRU을(를)". Leaves: the sentence
with the one that fits the sound before it. Touches nothing.

Latin names are read as Korean programmers read them: abbreviations letter by letter (GRU 지알유),
words by their last sounds (fit 핏, model 모델). After symbols without a sound both forms stay.
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
_CONSONANT = 1  # any other one
# 영 일 이 삼 사 오 육 칠 팔 구: each digit by the final sound of its Korean name.
_DIGITS = {"0": 21, "1": 8, "2": 0, "3": 16, "4": 0, "5": 0, "6": 1, "7": 8, "8": 8, "9": 0}
# 엘 알 엠 엔: letters whose names end in a consonant.
_LETTERS = {"l": _RIEUL, "r": _RIEUL, "m": _CONSONANT, "n": _CONSONANT}
_UNREAD = "\"'”’()]}>`_=….:,;/\\*?!~"  # closes a name, and nobody reads it aloud
_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]++$")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")  # what has none is read letter by letter: csv, lr
# The last sounds of a Latin word: 핏 and 플롯 end in a consonant, 리스트 and 임포트 do not.
_SOUNDS = (
    (re.compile(r"(?:l|le)$"), _RIEUL),
    (re.compile(r"(?:[mn]|[aeiou][mn]e|ng|ck|ic|[aeiouy][ptbk])$"), _CONSONANT),
)


def agree(sentence: str) -> str:
    """Choose every particle by the sound before it, looking through closing quotes and brackets."""
    return _PAIR.sub(_chosen, sentence)


def _chosen(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip(_UNREAD)
    final = _final(before)
    pair = match[0]
    if final is None or pair not in _FORMS:
        return pair
    with_final, without = _FORMS[pair]
    if with_final == "으로" and final == _RIEUL:
        return without
    return with_final if final else without


def _final(text: str) -> int | None:
    """Number of the final consonant, 0 for none, None where the sound is unknown."""
    char = text[-1:]
    if char in _DIGITS:
        return _DIGITS[char]
    if char and _FIRST <= ord(char) <= _LAST:
        return (ord(char) - _FIRST) % _FINALS
    if char == "%":  # 퍼센트
        return 0
    word = _WORD.search(text[-30:])
    return _latin(word[0]) if word else None


def _latin(word: str) -> int:
    """Number of the final consonant of a Latin name, as it is read in Korean."""
    if word[-1].isupper() or not _VOWEL.search(word):
        return _LETTERS.get(word[-1].lower(), 0)
    return next((final for sound, final in _SOUNDS if sound.search(word.lower())), 0)
