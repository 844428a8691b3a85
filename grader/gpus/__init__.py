"""Graphics cards: which there are, and what the container tools say of them."""
