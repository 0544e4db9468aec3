"""Images drawn from a target, and the features that they are compared in."""
