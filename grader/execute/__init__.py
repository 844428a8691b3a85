"""Stage 2: runs one notebook in a room and reads what comes out of it: claims."""
