"""Word vectors learnt from text: what is drawn from it, steps in C or on numpy, the loop."""
