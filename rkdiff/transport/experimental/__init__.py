"""Experimental: what works on small problems and is not offered as a method. Its names and results may change."""
