"""simaudit: how much does a diffusion model leak about its training set?"""

__version__ = "0.1.0"
