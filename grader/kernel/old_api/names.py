"""In the notebook's room: modules and names that were elsewhere, or are gone.

Enters: nothing. Leaves: libraries in which the student's own code finds them; a library's code does
not, and neither does ``hasattr`` in one. Touches: ``__getattr__`` of modules, ``sys.meta_path``.

TensorFlow makes modules of Keras under two names of its own, and may be imported by the notebook
only: each module is taught when it is there.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .moved import IDLE, INSTEAD, MODULES, NAMES, STUBS, VALUES
from .wrapping import KIND

TF_KERAS = ("keras._tf_keras.", "tensorflow.")
TF_OWN = "tensorflow._api.v2."  # where TensorFlow keeps what it shows as tensorflow.random
IMPORTING = ("importlib._bootstrap", "importlib._bootstrap_external")


def install(remarks: Any, is_students: Callable[[Any], bool]) -> None:
    """Teach what is imported already, and whatever will be."""
    for name, module in list(sys.modules.items()):
        if usual_name(name) in TAUGHT:
            teach(module, usual_name(name), remarks, is_students)
    sys.meta_path.insert(0, _Teacher(remarks, is_students))
    sys.meta_path.append(_OldModules(remarks, is_students))


TAUGHT = frozenset({*NAMES, *INSTEAD, *(name.rpartition(".")[0] for name in MODULES)})


def usual_name(name: str) -> str:
    """Give the name by which a module is known that TensorFlow calls by another one."""
    for prefix in TF_KERAS:
        rest = name.removeprefix(prefix)
        if rest != name and (rest == "keras" or rest.startswith("keras.")):
            return rest
    return name.replace(TF_OWN, TF_KERAS[1], 1) if name.startswith(TF_OWN) else name


def shown(name: str) -> str:
    """Give the name under which notebooks know a module of TensorFlow's."""
    return name.replace(TF_KERAS[0], TF_KERAS[1], 1).replace(TF_OWN, TF_KERAS[1], 1)


def teach(module: ModuleType, name: str, remarks: Any, is_students: Callable[[Any], bool]) -> None:
    """Let a module know its old names."""
    usual = module.__dict__.get("__getattr__")
    for stub in STUBS.get(name, ()):
        vars(module).pop(stub, None)

    def found(wanted: str) -> Any:
        __tracebackhide__ = True
        if is_students(sys._getframe(1)):  # noqa: SLF001 - whose code asks
            with contextlib.suppress(LookupError, ImportError):
                value, instead = looked_up(module, name, wanted)
                remarks.tell(KIND, f"{shown(module.__name__)}.{wanted}", shown(instead))
                return value
        if usual is not None:
            return usual(wanted)
        raise AttributeError(
            f"module {module.__name__!r} has no attribute {wanted!r}", name=wanted, obj=module
        )

    module.__getattr__ = found  # type: ignore[method-assign]


def looked_up(module: ModuleType, name: str, wanted: str) -> tuple[Any, str]:
    """Give what an old name stands for, and what it is called today.

    Raises:
        LookupError, ImportError: it is none.
    """
    if wanted in IDLE.get(name, {}):
        return IDLE[name][wanted], ""
    if wanted in VALUES.get(name, {}):
        return VALUES[name][wanted]
    if wanted in NAMES.get(name, {}):
        instead = NAMES[name][wanted]
        return _found(instead), instead
    full = f"{name}.{wanted}"
    if full in MODULES:
        return importlib.import_module(f"{module.__name__}.{wanted}"), MODULES[full]
    for other in INSTEAD.get(name, ()):
        with contextlib.suppress(ImportError):
            found = vars(importlib.import_module(other)).get(wanted)
            if found is not None and not wanted.startswith("_") and other != module.__name__:
                return found, f"{other}.{wanted}"
    raise LookupError(full)


def _found(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:  # a name in a module that is loaded when it is asked for
        return getattr(_found(module), name)


class _OldModules(MetaPathFinder):
    """Finds ``keras.layers.recurrent`` and its like, which nobody else has found, for students."""

    def __init__(self, remarks: Any, is_students: Callable[[Any], bool]) -> None:
        self.remarks = remarks
        self.is_students = is_students

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        del path, target
        name = usual_name(fullname)
        if name not in MODULES or not self._by_student():
            return None
        self.remarks.tell(KIND, shown(fullname), shown(MODULES[name]))
        return ModuleSpec(fullname, _OldModule(MODULES[name]), is_package=True)

    def _by_student(self) -> bool:
        frame = sys._getframe(2)  # noqa: SLF001 - whose code imports
        while frame.f_back is not None and _imports(frame.f_globals.get("__name__")):
            frame = frame.f_back
        return self.is_students(frame)


def _imports(name: Any) -> bool:
    return name in IMPORTING or name in ("importlib", __name__)


class _OldModule(Loader):
    """Makes a module that has what today's has."""

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def exec_module(self, module: ModuleType) -> None:
        """Fill it, and let it know what today's module has learnt."""
        today = importlib.import_module(self.instead)
        public = {k: v for k, v in vars(today).items() if not k.startswith("__")}
        vars(module).update({k: v for k, v in public.items() if not isinstance(v, ModuleType)})
        vars(module)["__getattr__"] = vars(today).get("__getattr__")


class _Teacher(MetaPathFinder):
    """Finds nothing itself: a module to be taught is taught when it has been loaded."""

    def __init__(self, remarks: Any, is_students: Callable[[Any], bool]) -> None:
        self.told = remarks, is_students
        self.finding: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        if usual_name(fullname) not in TAUGHT or fullname in self.finding:
            return None
        self.finding.add(fullname)
        try:
            specs = (
                finder.find_spec(fullname, path, target)
                for finder in list(sys.meta_path)
                if finder is not self
            )
            spec = next((one for one in specs if one is not None), None)
        finally:
            self.finding.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader, *self.told)
        return spec


class _Then(Loader):
    """Loads a module as its own loader does, and teaches it."""

    def __init__(self, usual: Any, remarks: Any, is_students: Callable[[Any], bool]) -> None:
        self.usual = usual
        self.told = remarks, is_students

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the module's own loader."""
        spec.loader = self.usual
        module: ModuleType | None = self.usual.create_module(spec)
        spec.loader = self
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute it under its own loader's name."""
        if module.__spec__ is not None:
            module.__spec__.loader = self.usual
        module.__loader__ = self.usual
        self.usual.exec_module(module)
        teach(module, usual_name(module.__name__), *self.told)
