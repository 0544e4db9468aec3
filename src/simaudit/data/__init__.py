"""The images, and which of them a target is trained on: sources, preparation, splits, nearest members."""
