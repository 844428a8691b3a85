"""Stage 4: points with reasons, and hints that name the likely mistake."""
