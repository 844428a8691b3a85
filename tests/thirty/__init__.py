"""A class of thirty from the LMS's zip to its import, in real rooms: ``make class-of-thirty``.

``people`` is the class and what each handed in, ``sums`` what has to add up, ``lms`` the zips and
lists of Canvas and Moodle, ``__main__`` runs every command as a teacher types it. The same sums are
asked of six of them without rooms in tests/cli/test_cli_six.py.
"""
