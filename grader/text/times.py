"""Times as a reader's clock shows them.

Enters: a time, or one as records keep it, ISO 8601 in UTC, with the reader's zone. Leaves: short
texts. Touches nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo


def moment(at: str, zone: tzinfo | None = None) -> str:
    """Give date, time and distance to UTC: "2026-03-02 18:00 +09:00".

    Args:
        at: the time; what is none comes back as it is.
        zone: the reader's; None for this machine's.
    """
    there = _there(at, zone)
    if there is None:
        return at
    offset = there.strftime("%z")
    return f"{there:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"


def clock(at: datetime) -> str:
    """Give date and time: "2026-03-02 18:00"."""
    return f"{at:%Y-%m-%d %H:%M}"


def until(at: datetime) -> str:
    """Give a deadline as ``clock`` does; midnight is the end of the day before: "… 24:00"."""
    if at.time() == time():
        return f"{at - timedelta(days=1):%Y-%m-%d} 24:00"
    return clock(at)


def day(at: str, zone: tzinfo | None = None) -> str:
    """Give the date: "2026-03-02"; arguments as of ``moment``."""
    there = _there(at, zone)
    return at[:10] if there is None else f"{there:%Y-%m-%d}"


def _there(at: str, zone: tzinfo | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(at)
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        return aware.astimezone(zone)
    except (ValueError, OverflowError):
        return None
