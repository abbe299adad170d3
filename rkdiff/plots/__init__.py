"""Plotly figures from plain records: everything one reads rather than watches."""
