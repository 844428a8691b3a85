"""Grades recurrent-network notebooks: evidence from the run, fair thresholds, reasons."""

__version__ = "0.1.0"
