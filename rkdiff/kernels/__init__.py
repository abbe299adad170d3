"""Positive-definite kernels on vectors, graphs and curves, each as plain NumPy functions of two sets of objects."""
