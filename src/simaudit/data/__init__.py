"""Images and who was trained on them: loaders, preparation, the member split."""
