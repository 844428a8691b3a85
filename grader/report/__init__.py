"""Grades shown: tables, pages, files for other systems. Pure functions; the CLI writes."""
