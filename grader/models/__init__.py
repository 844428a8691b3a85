"""Models as data: reading them, matching them to exercises, doubting them, training them anew."""
