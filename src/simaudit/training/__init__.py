"""Training without a framework: one loop for every network, the networks, and the objectives that they minimise."""
