"""In the evaluation room: rebuilds models, predicts, retrains; ``allowed`` is also the judge's."""
