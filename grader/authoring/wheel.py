"""The public half of a course as a package that pip installs: for Colab, where no folder is.

Enters: the files of ``grader_course/``. Leaves: a wheel's name and bytes, the same for the same
files. Touches nothing.
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
    about = f"{FOLDER}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: grader-course\nVersion: {version}\n"
    content = {f"{FOLDER}/{name}": files[name] for name in sorted(files)}
    content |= {f"{about}/METADATA": metadata.encode(), f"{about}/WHEEL": GENERATOR.encode()}
    content[f"{about}/RECORD"] = _record(content, f"{about}/RECORD").encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST_DATE), data, zipfile.ZIP_DEFLATED, 9)
    return f"{FOLDER}-{version}-{TAG}.whl", packed.getvalue()


def _record(content: Mapping[str, bytes], own: str) -> str:
    lines = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in content.items()]
    return "".join([*lines, f"{own},,\n"])


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
