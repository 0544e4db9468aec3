"""Attacks that ask no model: functions of the scores of other attacks, and of features of the images."""
