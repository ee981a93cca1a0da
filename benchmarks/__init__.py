"""How fast voicereg is, as ratios to a baseline measured in the same run.

Each script prints a table, or JSON with ``--json``. ``make bench`` runs them all.
"""
