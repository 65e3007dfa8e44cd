"""Ears for a model that takes text: voice activity, then speech to text, then the model as it is."""
