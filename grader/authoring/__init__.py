"""For those who write a course: a new exercise to start from, and what students receive."""
