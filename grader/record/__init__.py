"""Stage 5: keeps records and executions so that nothing is lost, and finds them again."""
