"""E: rebuilds models from an allow-list, predicts, retrains; ``allowed`` is also the judge's."""
