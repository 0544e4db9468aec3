"""The statistics: ROC curves, intervals, resampling, permutation. They know nothing of files."""
