"""Word vectors: text, counts, training, questions."""
