"""All that runs inside a room or closes one from within: standard library only."""
