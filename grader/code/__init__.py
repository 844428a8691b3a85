"""What a notebook's code shows before it runs: the engine it needs, whether it fixes its seeds."""
