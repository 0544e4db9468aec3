"""Images and who was trained on them: sources, preparation, the member split."""
