"""What a container needs for a GPU, as the driver's own tools wrote it down.

Enters: a YAML or JSON file of the Container Device Interface (``nvidia-ctk cdi generate``).
Leaves: ContainerDevice for a device. Touches: reads that file.

Only device nodes and shared libraries are taken. A socket, say of MPS or of the driver's daemon,
is a way to a process outside; hooks are programs that run outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

FILES = (
    Path("/etc/cdi/nvidia.yaml"),
    Path("/var/run/cdi/nvidia.yaml"),
    Path("/etc/cdi/nvidia.json"),
    Path("/var/run/cdi/nvidia.json"),
)
KIND = "nvidia.com/gpu"
LARGEST = 4 << 20
MPS = "mps"  # one fault ends all its clients, who are strangers here


@dataclass(frozen=True)
class ContainerDevice:
    """Device nodes, and libraries as (path on the host, path inside)."""

    nodes: tuple[str, ...]
    libraries: tuple[tuple[str, str], ...]


def container_device(
    names: Iterable[str], files: Iterable[Path] | None = None
) -> ContainerDevice | None:
    """Give what one device needs; None where no file says it.

    Args:
        names: what the device may be called there: its UUID first, then its number.
        files: where such files are, else ``FILES``; the last that knows the device counts.
    """
    wanted, found = tuple(names), None
    for path in FILES if files is None else files:
        try:
            found = _device(_read(path), wanted) or found
        except (OSError, ValueError, TypeError, AttributeError, KeyError, ImportError):
            continue  # what is not of that form says nothing
    return found


def _read(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        text = file.read(LARGEST)
    import yaml  # JSON is YAML

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    if not isinstance(loaded, dict) or loaded.get("kind") != KIND:
        raise ValueError(f"{path}: no {KIND}")
    return loaded


def _device(whole: Mapping[str, Any], names: tuple[str, ...]) -> ContainerDevice | None:
    by_name = {str(one["name"]): one["containerEdits"] for one in whole["devices"]}
    own = next((by_name[name] for name in names if name in by_name), None)
    if own is None:
        return None
    common = whole.get("containerEdits") or {}
    edits = (own, common)
    nodes = [_node(one) for edit in edits for one in edit.get("deviceNodes") or ()]
    mounts = [one for edit in edits for one in edit.get("mounts") or ()]
    libraries = [(str(one["hostPath"]), str(one["containerPath"])) for one in mounts]
    return ContainerDevice(
        tuple(dict.fromkeys(node for node in nodes if _is_nvidias(node))),
        tuple(dict.fromkeys(pair for pair in libraries if _is_library(*pair))),
    )


def _node(one: Mapping[str, Any]) -> str:
    return str(one.get("hostPath") or one["path"])


def _is_nvidias(node: str) -> bool:
    """A file that names other nodes, a disk perhaps, gives none of them to a notebook."""
    path = PurePosixPath(node)
    return path.parts[:2] == ("/", "dev") and ".." not in path.parts and "nvidia" in path.parts[2]


def _is_library(host: str, inside: str) -> bool:
    plain = ".so" in PurePosixPath(host).name and ".so" in PurePosixPath(inside).name
    ways = (PurePosixPath(host), PurePosixPath(inside))
    safe = all(path.is_absolute() and ".." not in path.parts for path in ways)
    return plain and safe and MPS not in PurePosixPath(host).name.lower() and Path(host).is_file()
