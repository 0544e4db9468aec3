"""Training, with no framework around it: one loop for every network, and the objectives it minimises."""
