"""Packages that pip installs: the public half of a course, for Colab, where no folder is.

Enters: the files of ``grader_course/``, or of another package. Leaves: a wheel's name and bytes,
the same for the same files. Touches nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

from grader import __version__
from grader.course.data import FIRST_DATE
from grader.course.public import FOLDER

TAG = "py3-none-any"
GENERATOR = "Wheel-Version: 1.0\nGenerator: grader\nRoot-Is-Purelib: true\nTag: " + TAG + "\n"


def wheel(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Give the wheel's file name and its content; other files have another version.

    Args:
        files: by their names within the package's folder.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    version = f"{__version__}+{digest.hexdigest()[:8]}"
    content = {f"{FOLDER}/{name}": files[name] for name in sorted(files)}
    metadata = f"Metadata-Version: 2.1\nName: grader-course\nVersion: {version}\n"
    return f"{FOLDER}-{version}-{TAG}.whl", packed(FOLDER, version, content, {"METADATA": metadata})


def packed(name: str, version: str, files: Mapping[str, bytes], about: Mapping[str, str]) -> bytes:
    """Give a wheel, the same for the same files.

    Args:
        name: of the package, as file names have it.
        version: of it.
        files: by their names as they are installed.
        about: what it says of itself, by file name: METADATA.
    """
    place = f"{name}-{version}.dist-info"
    content = dict(files)
    content |= {f"{place}/{key}": told.encode() for key, told in about.items()}
    content[f"{place}/WHEEL"] = GENERATOR.encode()
    content[f"{place}/RECORD"] = _record(content, f"{place}/RECORD").encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for one, data in content.items():
            archive.writestr(zipfile.ZipInfo(one, FIRST_DATE), data, zipfile.ZIP_DEFLATED, 9)
    return whole.getvalue()


def _record(content: Mapping[str, bytes], own: str) -> str:
    lines = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in content.items()]
    return "".join([*lines, f"{own},,\n"])


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
