"""Grades recurrent-network notebooks: evidence from the run, fair thresholds, reasons for every point."""

__version__ = "0.1.0"
