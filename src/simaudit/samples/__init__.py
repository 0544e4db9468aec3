"""Images drawn from a target: drawing them, showing some of them, and the features in which they are compared."""
