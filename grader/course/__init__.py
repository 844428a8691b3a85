"""What the course says: its exercises, what is expected of them, the families of their data."""
