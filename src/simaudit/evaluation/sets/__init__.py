"""What can be said of sets of samples: whether one was trained on, and how exposed each class and group is."""
