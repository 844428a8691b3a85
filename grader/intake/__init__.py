"""The way in: files, folders and archives become notebooks. ``grader/collect.py`` is the stage."""
