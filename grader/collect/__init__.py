"""Stage 1: finds what was handed in: files, folders and archives become submissions."""
