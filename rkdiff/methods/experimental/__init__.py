"""Experimental: networks for transport that train on small problems, unsteadily. Nothing here registers as a method."""
