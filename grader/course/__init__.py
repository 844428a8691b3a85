"""What the course says: exercises, expectations, data families, the students' bundle."""
