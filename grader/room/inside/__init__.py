"""All that closes a room from within, or tries to leave one: standard library only."""
