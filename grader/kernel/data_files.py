"""In the notebook's room: the course's data files, where one looks for them with no network.

Enters: a read-only folder of files. Leaves: links next to the notebook, and for ``keras/…`` where
Keras keeps its downloads too, archives unpacked. Touches: the working directory, Keras's folder,
two functions of Keras.

Keras knows the checksums of the files that it would download and fetches a file anew that differs.
A course's own file under such a name (invented reviews instead of IMDB's) is taken as it is, and
the notebook's output and a remark say so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

KERAS = "keras"
STAND_IN = "stand_in"
FALLBACK = Path("/tmp/.keras")  # noqa: S108 Keras's own, where its usual folder cannot be written
UNPACKED = 100_000_000  # bytes of one file of an archive


class DataFiles:
    """The files of one room, by name."""

    def __init__(self, folder: Path, remarks: Any) -> None:
        self.own = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
        downloads = folder / KERAS
        self.downloads = sorted(downloads.iterdir()) if downloads.is_dir() else []
        self.stand_ins = {path.name: path for path in self.downloads}  # what lies in them as well
        self.ours = {os.path.realpath(path) for path in self.downloads}
        self.unpacked: dict[str, Path] = {}  # where each file of an archive was written
        self.remarks = remarks
        self.here = Path.cwd()  # when the notebook begins

    def lay_out(self) -> None:
        """Put every file where notebooks look for it."""
        for file in self.own.values():
            _link(file, self.here / file.name)
        homes = [home / "datasets" for home in {_keras_home(), FALLBACK}]
        for file in self.downloads:
            for place in (self.here, *homes):
                with contextlib.suppress(OSError):
                    place.mkdir(parents=True, exist_ok=True)
                    _link(file, place / file.name)
                    self._unpack(file, place)

    def _unpack(self, file: Path, place: Path) -> None:
        if file.suffix != ".zip":
            return
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                path = place / member.filename
                plain = path.name == member.filename and member.file_size <= UNPACKED
                if not plain or path.exists():
                    continue
                if path.name in self.unpacked:  # a large one lies in memory once
                    _link(self.unpacked[path.name], path)
                else:
                    path.write_bytes(archive.read(member))
                    self.unpacked[path.name] = path
                self.stand_ins[path.name] = file
                self.ours.add(os.path.realpath(path))

    def find(self, name: str) -> Path | None:
        """Give the file of this name beside the notebook: the course's, or one handed in."""
        beside = self.here / name
        known = name in self.own or name in self.stand_ins
        return beside if known or os.path.isfile(beside) else None  # noqa: PTH113 - never raises

    def opened(self, path: Path, name: str) -> None:
        """Say what stands in for a textbook's file that was opened."""
        if name in self.stand_ins and os.path.realpath(path) in self.ours:
            self.remarks.tell(STAND_IN, name, self._like(self.stand_ins[name]))

    def _like(self, file: Path) -> str:
        """Give the course's own file of the same kind, which its assignments speak of."""
        ends = [name for name in self.own if file.name.endswith(name)]
        kind = "".join(file.suffixes[-2:])
        same = [name for name, path in self.own.items() if "".join(path.suffixes) == kind]
        return next(iter([*ends, *same]), file.name)


def install(folder: Path, remarks: Any) -> DataFiles:
    """Put every file where notebooks look for it, and let Keras take it as it is."""
    files = DataFiles(folder, remarks)
    files.lay_out()
    with contextlib.suppress(Exception):
        _accept(files)
    return files


def _link(file: Path, link: Path) -> None:
    """A link, so that nobody writes into the course's file; a copy where there are no links."""
    try:
        link.symlink_to(file)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(file, link)


def _keras_home() -> Path:
    try:
        from keras.src.backend.config import keras_home

        return Path(keras_home()).expanduser()
    except Exception:
        return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()


def _accept(files: DataFiles) -> None:
    """Let Keras take the course's files although it knows other checksums for their names."""
    from keras.src.utils import file_utils

    usual: Callable[..., bool] = file_utils.validate_file
    downloads = {path.name: path.resolve() for path in files.downloads}

    def validate_file(fpath: Any, file_hash: str, *rest: Any, **named: Any) -> bool:
        if usual(fpath, file_hash, *rest, **named):
            return True
        path = Path(fpath)
        ours = downloads.get(path.name) == path.resolve()
        if ours:
            print(f"{path.name}: the course's own file, not the original")  # noqa: T201
            files.opened(path, path.name)
        return ours

    file_utils.validate_file = validate_file
    _give(file_utils, files)


def _give(file_utils: Any, files: DataFiles) -> None:
    """Let ``get_file`` give the course's archives as they lie there, unpacked beside themselves."""
    usual: Callable[..., str] = file_utils.get_file

    def get_file(fname: Any = None, origin: Any = None, *rest: Any, **named: Any) -> str:
        name = os.path.basename(str(fname or origin or ""))  # noqa: PTH119 - of an address as well
        archives = [path.name for path in files.downloads if path.suffix == ".zip"]
        if name not in archives:
            return usual(fname, origin, *rest, **named)
        print(f"{name}: the course's own file, not the original")  # noqa: T201
        path = _keras_home() / "datasets" / name
        files.opened(path, name)
        return str(path)

    get_file.__doc__ = usual.__doc__
    for module in [
        file_utils,
        *map(sys.modules.get, ("keras.utils", "keras._tf_keras.keras.utils")),
    ]:
        if getattr(module, "get_file", None) is usual:
            module.get_file = get_file
