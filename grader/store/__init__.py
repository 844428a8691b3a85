"""How records and executions are kept. ``grader/record.py`` is the stage."""
