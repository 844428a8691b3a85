"""Fuzzing of everything that reads what came from students."""
