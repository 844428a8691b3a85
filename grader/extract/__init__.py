"""Stage 3: from claims to evidence: which model, is it rebuilt, what does it answer."""
