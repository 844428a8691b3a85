"""Grading in CI: what a change touched, what is shown where, what ends the job how."""
