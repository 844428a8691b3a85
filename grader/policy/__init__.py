"""A course's policies laid over records: attempts, lateness, what teachers decided by hand."""
