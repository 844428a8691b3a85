"""The JSON schema of ``course.toml``, by which editors complete and check it.

    python -m grader.course.editors

Enters: the model of the file. Leaves: ``course.schema.json``. Touches: writes that file, when run.
A test compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path

from grader.course.settings import SettingsFile

SCHEMA = Path(__file__).with_name("course.schema.json")
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> str:
    """Give the schema as it is written."""
    made = {"$schema": DRAFT, **SettingsFile.model_json_schema(), "title": "course.toml"}
    return json.dumps(made, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema(), "utf-8")
