"""Which pieces of work are alike, for a teacher to look at; nothing here is a verdict."""
