"""Choosing a room: the best level whose layers hold on this machine, right now.

Enters: a level's name. Leaves: a Room that carries what the self-test saw. Touches: runs the
self-test, once per process and level; removes what a killed grader left of rooms.
"""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from grader.room.guarded import Guarded, refuse_below, refuse_what_is_read
from grader.room.readable import readable_paths
from grader.room.spec import LayerReport, Room
from grader.types import GraderError, Isolation, Level, Message

# What a level promises. A layer beyond these is reported where it holds.
REQUIRED = {
    Level.FULL: frozenset(
        "filesystem read-only network environment processes descriptors privileges seccomp".split()
    ),
    Level.REDUCED: frozenset("filesystem read-only network environment privileges seccomp".split()),
    Level.NONE: frozenset[str](),
}
PROC = Path("/proc")
_REFUSED = {
    Level.FULL: "room.full_refused",
    Level.REDUCED: "room.reduced_refused",
    Level.NONE: "room.none_refused",
}


@dataclass(frozen=True)
class _Tested:
    """One way to make rooms, and what became of it."""

    room: Room | None
    reports: tuple[LayerReport, ...]
    reason: str  # why there is no room


def open_room(level: str, guarded: Iterable[Guarded] = ()) -> Room:
    """Open the asked level, or with ``auto`` the best that holds.

    Raises:
        GraderError: the asked level does not hold here; or it does, and one of the guarded places
            lies where every room may read. Level none promises nothing, so nothing is refused.
    """
    if _lacks_proc():
        raise GraderError(Message("room.no_proc"))
    guarded = tuple(dict.fromkeys(guarded))
    if level != Level.NONE:
        # First: the self-test, too, may find its own canary readable, and "auto" would go on to a
        # level that hides nothing at all.
        refuse_below(guarded, readable_paths())
    room = _opened(level)
    if guarded and room.isolation.level is not Level.NONE:
        refuse_what_is_read(guarded, room)
    return room


def _opened(level: str) -> Room:
    if level != "auto":
        tested = _test(Level(level))
        if tested.room is None:
            raise GraderError(Message(_REFUSED[Level(level)], {"reason": tested.reason}))
        return tested.room
    for candidate in Level:
        room = _test(candidate).room
        if room is not None:
            return room
    raise GraderError(Message(_REFUSED[Level.NONE], {"reason": _test(Level.NONE).reason}))


@functools.cache
def warmed(room: Room) -> tuple[Room, Message | None]:
    """Let programs of a room begin as forks, if all that holds cold holds so too.

    Gives the room itself, and why, where they cannot. Tested once for each room.
    """
    reason = "not bubblewrap"
    if sys.platform == "linux":
        from grader.room.bubblewrap import BubblewrapRoom
        from grader.room.selftest import examine
        from grader.room.warm import WarmRoom

        if isinstance(room, BubblewrapRoom):
            warm = WarmRoom.over(room)
            try:
                reports = examine(warm, room.isolation.level)
                held = {report.layer for report in reports if report.holds}
                reason = ", ".join([*warm.complaints, *set(room.isolation.layers) - held])
            except (GraderError, OSError) as error:
                reason = _reason(error)
            finally:
                warm.close()  # the fork server of the test; others are started when needed
            if not reason:
                return warm, None
    return room, Message("room.cold", {"reason": reason})


def probe() -> tuple[LayerReport, ...]:
    """Test every level and say of each layer whether it held, and what went through."""
    return tuple(report for level in Level for report in _test(level).reports)


@functools.cache
def _test(level: Level) -> _Tested:
    """Try the ways to make rooms of a level, the strongest first."""
    if _lacks_proc():
        report = LayerReport(level, "start", holds=False, why=Message("room.no_proc"))
        return _Tested(None, (report,), "no /proc")
    attempts = []
    for make in _ways(level):
        attempt = _try(level, make)
        if attempt.room is not None:
            return attempt
        attempts.append(attempt)
    if attempts:
        return attempts[0]
    reason = _missing(level)
    report = LayerReport(
        level, "start", holds=False, why=Message("room.start_failed", {"reason": reason})
    )
    return _Tested(None, (report,), reason)


def _lacks_proc() -> bool:
    return sys.platform == "linux" and not (PROC / "self" / "status").exists()


def _try(level: Level, make: Callable[[], Room]) -> _Tested:
    from grader.room.selftest import examine

    room = make()
    try:
        reports = examine(room, level)
    except (GraderError, OSError) as error:
        reason = _reason(error)
        why = (
            error.message
            if isinstance(error, GraderError)
            else Message("room.start_failed", {"reason": reason})
        )
        return _Tested(None, (LayerReport(level, "start", holds=False, why=why),), reason)
    layers = tuple(report.layer for report in reports if report.holds)
    lacking = sorted(REQUIRED[level] - set(layers))
    if lacking:
        return _Tested(None, reports, ", ".join(lacking))
    return _Tested(_with_isolation(room, Isolation(level, layers)), reports, "")


def _reason(error: GraderError | OSError) -> str:
    """What goes into a sentence."""
    if isinstance(error, GraderError):
        return str(error.message.args.get("reason", error.message.id))
    return str(error) or repr(error)


def _with_isolation(room: Room, isolation: Isolation) -> Room:
    return replace(room, isolation=isolation)  # type: ignore[type-var]  # every Room is a dataclass


def _ways(level: Level) -> list[Callable[[], Room]]:
    if sys.platform != "linux":
        from grader.room.plain import PlainRoom

        return [lambda: PlainRoom(Isolation(Level.NONE))] if level is Level.NONE else []
    from grader.room.bubblewrap import SETPRIV, BubblewrapRoom
    from grader.room.cgroups import sweep
    from grader.room.confined import ConfinedRoom
    from grader.room.inside.landlock import version
    from grader.room.lifeline import end_orphans
    from grader.room.users import can_give_up_root, rules_other_users

    sweep()
    end_orphans()
    untested = Isolation(level)
    drops = [True, False] if can_give_up_root() else [False]
    bwrap = shutil.which("bwrap")
    if level is Level.FULL and bwrap is not None:
        drops = [drop for drop in drops if not drop or SETPRIV.exists()]
        return [functools.partial(BubblewrapRoom, Path(bwrap), drop, untested) for drop in drops]
    if level is Level.REDUCED and version() > 0:
        drops = [drop for drop in drops if not drop or rules_other_users()]
        return [functools.partial(ConfinedRoom, True, drop, untested) for drop in drops]
    if level is Level.NONE:
        return [functools.partial(ConfinedRoom, False, False, untested)]
    return []


def _missing(level: Level) -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no such rooms"
    return "bwrap is not installed" if level is Level.FULL else "this kernel has no Landlock"
