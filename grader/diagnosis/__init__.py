"""Names the likely mistake: one module per kind of evidence, known errors in ``errors.toml``."""
