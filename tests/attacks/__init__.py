"""The attack corpus: what must never work, as notebooks, each graded beside an innocent neighbour.

One folder per threat holds ``expected.toml`` and the hostile notebooks; ``tests/test_attacks*.py``
grade them with the real command line, as root and as an ordinary user.
"""
