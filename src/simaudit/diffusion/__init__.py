"""The mathematics that models and attacks share: schedule, noise, norms, the pullback metric."""
