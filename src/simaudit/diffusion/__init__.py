"""The mathematics that models and attacks share: the noise schedule, noise, norms and the pullback metric."""
