"""What must come out if the protocol works, and classifiers that never see a model."""
