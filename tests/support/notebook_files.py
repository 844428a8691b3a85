"""Notebook files for tests, and the demand that every message has words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grader.text.words import Words
from grader.types import Message


def notebook(*sources: str | list[str], **extra: Any) -> dict[str, Any]:
    """An nbformat 4 document with these code cells."""
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for source in sources
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells} | extra


def raw(document: object) -> bytes:
    return json.dumps(document).encode()


def write(path: Path, document: object | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw(notebook("x = 1") if document is None else document))
    return path


def worded(message: Message) -> str:
    """The message's last word, once both languages can say it whole."""
    for lang in ("en", "ko"):
        words = Words(lang)
        assert words.knows(message.id), f"{message.id} has no words in {lang}"
        said = words.say(message)
        if not any("…" in str(value) for value in message.args.values()):
            assert "…" not in said, said  # a placeholder without an argument
    return message.id.partition(".")[2]
