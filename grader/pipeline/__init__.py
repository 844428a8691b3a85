"""Joins the stages: jobs, attempts, the order of a batch, runners, regrading."""
