"""The statistics: ROC curves, intervals, resampling, permutation. They read and write no files."""
