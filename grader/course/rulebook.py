"""Makes the course's rules of ``course.toml``.

Enters: settings, the exercises that there are. Leaves: Rules. Touches: the machine's time zones.
Every fault is one sentence with the line. It is asked for where grades are made or shown: a
student's check needs no time zone.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from grader.course.places import Keys, Place
from grader.course.settings import ExtensionTable, GroupTable, SettingsFile
from grader.policy.late import LatePolicy
from grader.policy.rules import Attempts, ClassList, Extension, Group, Rules, Terms, folded

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


@dataclass(frozen=True)
class RuleBook:
    """``course.toml`` as it was read; its rules are made when they are asked for."""

    settings: SettingsFile
    exercises: Collection[str]
    place: Place

    def rules(self) -> Rules:
        """Make the rules.

        Raises:
            GraderError: the file says something that cannot be, or its time zone is unknown here.
        """
        said = self.settings
        zone = self._zone()
        self._known(("exercises",), said.exercises or ())
        return Rules(
            attempts=Attempts(said.attempts),
            late=LatePolicy(
                grace=timedelta(minutes=said.late.grace_minutes),
                per_day=said.late.per_day,
                most=said.late.most,
                cut_off=said.late.cut_off_days,
            ),
            zone=zone or UTC,
            exercises={one: self._terms(one, zone) for one in said.exercise},
            groups=tuple(self._groups()),
            roster=None
            if said.roster is None
            else ClassList(said.roster.file, said.roster.section or ""),
            extensions=tuple(
                self._extension(number, one, zone) for number, one in enumerate(said.extensions)
            ),
        )

    def _zone(self) -> tzinfo | None:
        named = self.settings.time_zone
        if named is None or named == "UTC":
            return None if named is None else UTC
        if (match := _OFFSET.fullmatch(named)) is not None:
            sign, hours, minutes = -1 if match[1] == "-" else 1, int(match[2]), int(match[3])
            if hours * 60 + minutes < 24 * 60:
                return timezone(sign * timedelta(hours=hours, minutes=minutes))
        try:
            return zoneinfo.ZoneInfo(named)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = zoneinfo.available_timezones()
        if not known:
            raise self.place.fault(("time_zone",), "rules.no_tzdata", given=named)
        raise self.place.unknown(
            ("time_zone",), named, known, "rules.no_zone", "rules.no_zone_near"
        )

    def _moment(
        self, value: date | None, keys: Keys, zone: tzinfo | None, *, end: bool
    ) -> datetime | None:
        """Give a moment with its offset; a date alone is until its end, or from its beginning.

        A zone is needed even where the offset is said: times of hand-ins come without.
        """
        if value is None:
            return None
        if zone is None:
            raise self.place.fault(keys, "rules.zone_missing")
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
            return (value + timedelta(days=1) if end else value).replace(tzinfo=zone)
        return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)

    def _terms(self, exercise: str, zone: tzinfo | None) -> Terms:
        at: Keys = ("exercise", exercise)
        self._known(at, (exercise,))
        said = self.settings.exercise[exercise]
        opens = self._moment(said.opens, (*at, "opens"), zone, end=False)
        due = self._moment(said.due, (*at, "due"), zone, end=True)
        if opens and due and opens.astimezone(UTC) >= due.astimezone(UTC):
            raise self.place.fault((*at, "due"), "rules.opens_after_due")
        return Terms(opens, due, said.weight, said.points, said.title or "", said.worksheet or "")

    def _groups(self) -> Iterator[Group]:
        groups = self.settings.groups
        names = [folded(one.name) for one in groups]
        members = {folded(member) for one in groups for member in one.members}
        for number, one in enumerate(groups):
            at: Keys = ("groups", number)
            self._known((*at, "exercises"), one.exercises or ())
            if folded(one.name) in {*names[:number], *members}:
                raise self.place.fault((*at, "name"), "rules.group_name", given=one.name)
            for member in one.members:
                other = _other_group(member, one, groups[:number])
                if other or [*map(folded, one.members)].count(folded(member)) > 1:
                    raise self.place.fault((*at, "members"), "rules.member_twice", given=member)
            yield Group(one.name, one.members, _ids(one.exercises))

    def _extension(self, number: int, said: ExtensionTable, zone: tzinfo | None) -> Extension:
        at: Keys = ("extensions", number)
        if [said.student, said.group, said.section].count(None) != 2:  # noqa: PLR2004 - one is said
            raise self.place.fault(at, "rules.extension_who")
        if (said.due is None) == (said.days is None):
            raise self.place.fault(at, "rules.extension_until")
        self._known((*at, "exercises"), said.exercises or ())
        groups = [one.name for one in self.settings.groups]
        if said.group is not None and folded(said.group) not in map(folded, groups):
            raise self.place.unknown(
                (*at, "group"), said.group, groups, "rules.no_group", "rules.no_group_near"
            )
        due = self._moment(said.due, (*at, "due"), zone, end=True)
        for exercise in said.exercises or ():
            there = exercise in self.settings.exercise
            usual = self._terms(exercise, zone).due if there else None
            if due and usual and due.astimezone(UTC) < usual.astimezone(UTC):
                raise self.place.fault((*at, "due"), "rules.extension_earlier", exercise=exercise)
        return Extension(
            student=said.student or "",
            group=said.group or "",
            section=said.section or "",
            exercises=_ids(said.exercises),
            due=due,
            longer=timedelta(days=said.days or 0),
        )

    def _known(self, keys: Keys, named: Sequence[str]) -> None:
        """Refuse an exercise that the course does not have."""
        for one in named:
            if one not in self.exercises:
                raise self.place.unknown(
                    keys, one, self.exercises, "rules.no_exercise", "rules.no_exercise_near"
                )


def _ids(named: Sequence[str] | None) -> frozenset[str] | None:
    return None if named is None else frozenset(named)


def _other_group(member: str, group: GroupTable, others: Sequence[GroupTable]) -> bool:
    """Whether somebody is in another group that hands in one of the same exercises."""
    asked = _ids(group.exercises)
    return any(
        folded(member) in map(folded, one.members)
        and (asked is None or one.exercises is None or not asked.isdisjoint(one.exercises))
        for one in others
    )
