"""What is to be learnt, how well it is, and the baselines to beat."""
