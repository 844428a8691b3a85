"""What holds for every test: no example of a property is too slow on a busy machine.

Tests run in random order (pytest-randomly), which a run names at its beginning: ``--randomly-seed=N``
repeats it, ``-p no:randomly`` keeps the order of the files.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
